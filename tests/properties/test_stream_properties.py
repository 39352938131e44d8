"""Streams against a plain list of entries, pending lists against plain dicts, and both against a real server."""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from compat.servers import install, start
from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_block import block_from_blob
from hognose.datastructures.stream_groups import ConsumerGroup, MemoryMeter
from hognose.datastructures.stream_id import MAX_ID, format_id

Step = tuple[str, int, list[bytes]]

FIELDS = st.sampled_from([[b"a"], [b"a", b"b"], [b"b", b"a"], [b"12", b"-5000", b"x" * 70]])
VALUES = st.one_of(st.binary(max_size=20), st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n))
PAIRS = FIELDS.flatmap(
    lambda names: st.lists(VALUES, min_size=len(names), max_size=len(names)).map(
        lambda values: [text for pair in zip(names, values, strict=True) for text in pair]
    )
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.one_of(st.integers(1, 3), st.integers(1, 2**66)), PAIRS),
        st.tuples(st.sampled_from(["delete", "delete", "length", "below", "~length", "~below"]), st.integers(0, 60)),
    ),
    max_size=60,
)
LIMITS = st.sampled_from([(4096, 100), (4096, 3), (60, 100), (0, 0), (4096, 1)])


class Model:
    """The entries in a plain list; what a step does to them."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, list[bytes]]] = []
        self.last_id = 0

    def target(self, number: int) -> int:
        """An ID to delete or trim at: that of an entry, one beside it, or one never used."""
        if not self.entries:
            return number
        return self.entries[number % len(self.entries)][0] + number % 2


def play(stream: StreamValue, model: Model, step: Step, limits: tuple[int, int]) -> None:
    """Does one step on the stream and on the model."""
    name, number, *rest = step
    if name == "add":
        model.last_id += number
        stream.append(model.last_id, rest[0], 0, *limits)
        model.entries.append((model.last_id, rest[0]))
    elif name == "delete":
        target = model.target(number)
        kept = [entry for entry in model.entries if entry[0] != target]
        assert stream.delete(target) == (len(kept) < len(model.entries))
        model.entries = kept
    elif name.endswith("length"):
        removed = stream.trim_to_length(number, name[0] == "~", 0)
        assert removed <= max(0, len(model.entries) - number)
        if name == "length":
            assert removed == max(0, len(model.entries) - number)
        del model.entries[:removed]
    else:
        target = model.target(number)
        below = sum(entry_id < target for entry_id, _ in model.entries)
        removed = stream.trim_below_id(target, name[0] == "~", 0)
        assert removed <= below
        if name == "below":
            assert removed == below
        del model.entries[:removed]


def read(stream: StreamValue, first: int, last: int, backward: bool) -> list[tuple[int, list[bytes]]]:
    cursor = stream.cursor(first, last, backward)
    found = []
    while cursor.advance():
        assert cursor.id_text() == format_id(cursor.entry_id())
        found.append((cursor.entry_id(), cursor.pairs()))
    return found


@given(STEPS, LIMITS, st.integers(0, 60), st.integers(0, 60))
def test_a_stream_holds_what_a_plain_list_holds(
    steps: list[Step], limits: tuple[int, int], low: int, high: int
) -> None:
    stream, model = StreamValue(), Model()
    for step in steps:
        play(stream, model, step, limits)
    stream.check_invariants()
    assert stream.length() == len(model.entries)
    assert read(stream, 0, MAX_ID, False) == model.entries
    assert read(stream, 0, MAX_ID, True) == model.entries[::-1]
    first, last = model.target(low), model.target(high)
    in_range = [entry for entry in model.entries if first <= entry[0] <= last]
    assert read(stream, first, last, False) == in_range
    assert read(stream, first, last, True) == in_range[::-1]
    assert stream.last_live_id() == (model.entries[-1][0] if model.entries else 0)
    assert stream.contains(first) == any(entry_id == first for entry_id, _ in model.entries)
    assert read(stream.copy(), 0, MAX_ID, False) == model.entries


@given(STEPS, LIMITS)
def test_blocks_survive_their_blobs(steps: list[Step], limits: tuple[int, int]) -> None:
    stream, model = StreamValue(), Model()
    for step in steps:
        play(stream, model, step, limits)
    twin = StreamValue()
    for block in stream.blocks:
        twin.load_block(block.first_id, block.to_blob())
    twin.last_id, twin.entries_added = stream.last_id, stream.entries_added
    twin.finish_load()
    twin.check_invariants()
    assert read(twin, 0, MAX_ID, False) == model.entries


@given(STEPS, LIMITS, st.data())
def test_a_damaged_blob_is_refused_or_read_without_harm(
    steps: list[Step], limits: tuple[int, int], data: st.DataObject
) -> None:
    stream, model = StreamValue(), Model()
    for step in steps:
        play(stream, model, step, limits)
    if not stream.blocks:
        return
    blob = bytearray(stream.blocks[0].to_blob())
    for _ in range(data.draw(st.integers(1, 3))):
        blob[data.draw(st.integers(6, len(blob) - 2))] = data.draw(st.integers(0, 255))
    try:
        block = block_from_blob(stream.blocks[0].first_id, bytes(blob))
    except ValueError:
        return
    twin = StreamValue()
    if block.entries:
        twin.load_block(block.first_id, bytes(blob))
        twin.finish_load()
        assert len(read(twin, 0, MAX_ID, False)) <= block.live
        assert len(read(twin, 0, MAX_ID, True)) <= block.live


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["assign", "assign", "ack", "drop"]),
            st.integers(1, 40),
            st.sampled_from([b"x", b"y", b"z"]),
        ),
        max_size=120,
    ),
    st.integers(0, 41),
)
def test_pending_lists_agree_with_a_dict(steps: list[tuple[str, int, bytes]], first: int) -> None:
    group = ConsumerGroup(b"g", 0, 0, MemoryMeter())
    owners: dict[int, bytes] = {}
    for name, entry_id, consumer_name in steps:
        consumer = group.consumers.get(consumer_name) or group.create_consumer(consumer_name, 0)
        if name == "assign":
            group.assign(entry_id, consumer, 1, 1)
            owners[entry_id] = consumer_name
        elif name == "ack":
            assert group.acknowledge(entry_id) == (owners.pop(entry_id, None) is not None)
        else:
            owned = [key for key, owner in owners.items() if owner == consumer_name]
            assert group.delete_consumer(consumer_name) == len(owned)
            for key in owned:
                del owners[key]
    group.check_invariants()
    assert group.pending.ids_from(first, 5) == sorted(key for key in owners if key >= first)[:5]
    if owners:
        assert (group.pending.first_id(), group.pending.last_id()) == (min(owners), max(owners))
    for consumer in group.consumers.values():
        owned = sorted(key for key, owner in owners.items() if owner == consumer.name)
        assert consumer.pending.ids_from(0, 100) == owned
    group.check_invariants()


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    directives = {"rdbcompression": "no"}
    with start(install("redis-7.0"), config=directives) as server:
        connection = redis.Redis(host=server.host, port=server.port)
        yield connection
        connection.close()


def dump_number(number: int) -> bytes:
    if number < 1 << 6:
        return bytes((number,))
    if number < 1 << 14:
        return bytes((0x40 | number >> 8, number & 0xFF))
    if number < 1 << 32:
        return b"\x80" + number.to_bytes(4, "big")
    return b"\x81" + number.to_bytes(8, "big")


def dump_of(stream: StreamValue) -> bytes:
    """The payload of DUMP for a stream without groups, up to its version and checksum."""
    parts = [b"\x13", dump_number(len(stream.blocks))]
    for block in stream.blocks:
        blob = block.to_blob()
        parts += [b"\x10", block.first_id.to_bytes(16, "big"), dump_number(len(blob)), blob]
    parts.append(dump_number(stream.length()))
    for entry_id in (stream.last_id, stream.first_id, stream.max_deleted_id):
        parts += [dump_number(entry_id >> 64), dump_number(entry_id & (2**64 - 1))]
    return b"".join([*parts, dump_number(stream.entries_added), b"\0"])


def play_on_server(client: redis.Redis, model: Model, step: Step) -> None:
    name, number, *rest = step
    if name == "add":
        client.execute_command("XADD", "key", format_id(model.last_id + number), *rest[0])
    elif name == "delete":
        client.execute_command("XDEL", "key", format_id(model.target(number)))
    else:
        option = b"~" if name[0] == "~" else b"="
        if name.endswith("length"):
            client.execute_command("XTRIM", "key", "MAXLEN", option, number)
        else:
            client.execute_command("XTRIM", "key", "MINID", option, format_id(model.target(number)))


@pytest.mark.server
@settings(deadline=None)
@given(STEPS, LIMITS)
def test_the_real_server_dumps_the_same_bytes(client: redis.Redis, steps: list[Step], limits: tuple[int, int]) -> None:
    client.flushall()
    client.config_set("stream-node-max-bytes", limits[0])
    client.config_set("stream-node-max-entries", limits[1])
    stream, model = StreamValue(), Model()
    for step in steps:
        play_on_server(client, model, step)
        play(stream, model, step, limits)
    if stream.entries_added:
        assert client.dump("key")[:-10] == dump_of(stream)


@pytest.mark.server
@settings(deadline=None)
@given(STEPS, STEPS, LIMITS, st.integers(0, 60))
def test_the_real_server_tells_the_same_progress_of_a_group(
    client: redis.Redis, before: list[Step], after: list[Step], limits: tuple[int, int], begin: int
) -> None:
    client.flushall()
    stream, model = StreamValue(), Model()
    client.execute_command("XGROUP", "CREATE", "key", "new", "0", "MKSTREAM")
    group = stream.create_group(b"new", 0, -1)
    assert group is not None
    for step in [*before, ("add", 1, [b"a", b"b"]), *after]:
        play_on_server(client, model, step)
        play(stream, model, step, limits)
        reply = client.execute_command(
            "XREADGROUP", "GROUP", "new", "c", "COUNT", begin % 3 + 1, "NOACK", "STREAMS", "key", ">"
        )
        for _ in reply[0][1] if reply else []:
            cursor = stream.cursor(group.last_id + 1, MAX_ID)
            assert cursor.advance()
            stream.advance_group(group, cursor.entry_id())
        told = client.xinfo_groups("key")[0]
        entries_read = None if group.entries_read == -1 else group.entries_read
        assert (told["entries-read"], told["lag"]) == (entries_read, stream.lag(group))
        assert told["last-delivered-id"] == format_id(group.last_id)
