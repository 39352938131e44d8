"""The access clocks behind OBJECT IDLETIME, OBJECT FREQ and the LRU and LFU eviction policies.

Each key carries 31 bits. Under LRU (and by default) they are the second of the last access, counted from 2020 (until
2054). Under LFU they are two numbers:

    bits 8-23   minute of the last decay (16 bits, wraps)
    bits 0-7    logarithmic access counter: each access raises it with probability 1 / ((counter - 5) * log_factor + 1)

A new key starts at 5, so that it is not evicted before it can be used again; each lfu-decay-time minutes without access
take one off. Source: the LFU scheme of Redis 4.0 as documented in its eviction guide.
"""

from typing import TYPE_CHECKING, Final

from mypy_extensions import i32, i64

if TYPE_CHECKING:
    from hognose.keyspace.keyspace import Keyspace

CLOCK_EPOCH_SECONDS: Final = 1_577_836_800
LOWEST_CLOCK: Final = -(1 << 30)
LFU_START: Final = 5
LFU_MAX: Final = 255


def access_second(now_ms: i64) -> i32:
    """The LRU clock at a time in Unix ms."""
    return i32(now_ms // 1000 - CLOCK_EPOCH_SECONDS)


def idle_clock(now_ms: i64, idle_seconds: int) -> i32:
    """The LRU clock of a key that was last used so many seconds before a time in Unix ms; 1985 at the earliest."""
    return i32(max(int(now_ms) // 1000 - CLOCK_EPOCH_SECONDS - idle_seconds, LOWEST_CLOCK))


def lfu_minute(now_ms: i64) -> i64:
    """The LFU decay clock at a time in Unix ms: minutes, 16 bits."""
    return (now_ms // 60000) & 0xFFFF


def lfu_pack(minute: i64, counter: i64) -> i32:
    """The bits of an LFU clock."""
    return i32((minute << 8) | counter)


def lfu_counter(keyspace: "Keyspace", clock: i32) -> i64:
    """The counter of an LFU clock after the decay due until now; what OBJECT FREQ answers."""
    counter: i64 = i64(clock) & 0xFF
    if keyspace.lfu_decay_minutes <= 0:
        return counter
    elapsed: i64 = (lfu_minute(keyspace.clock.now_ms) - (i64(clock) >> 8)) & 0xFFFF
    counter -= elapsed // keyspace.lfu_decay_minutes
    return counter if counter > 0 else 0


def lfu_touched(keyspace: "Keyspace", clock: i32) -> i32:
    """The LFU clock of a key after one more access now."""
    counter = lfu_counter(keyspace, clock)
    if counter < LFU_MAX:
        above: i64 = counter - LFU_START
        if above < 0:
            above = 0
        if keyspace.random.random() * float(above * keyspace.lfu_log_factor + 1) < 1.0:
            counter += 1
    return lfu_pack(lfu_minute(keyspace.clock.now_ms), counter)
