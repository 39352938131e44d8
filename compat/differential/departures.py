"""What may differ between hognose and a real server, by name and with the reason. Nothing else may.

Three lists:

    EXCLUDED     commands that are not sent, because they end, block or reconfigure the server
    RULES        commands whose replies chance, the clock or the order of a hash table decides, and how to compare them
    DEPARTURES   where hognose means to answer something else than that server
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from compat.differential.wire import Node, parse

_TOLERANCE_MS: Final = 3000


@dataclass(frozen=True)
class Case:
    """One command and both replies.

    Attributes:
        server: The real server's catalogue name, such as `redis-7.0`.
        name: The command's full lower-case name, such as `object|freq`; empty for one that does not exist.
        argv: The command as it was sent.
        ours, theirs: The raw replies.
    """

    server: str
    name: str
    argv: tuple[bytes, ...]
    ours: bytes
    theirs: bytes


@dataclass(frozen=True)
class Rule:
    """How the replies of some commands are compared instead of byte for byte. Errors always count to the letter."""

    name: str
    reason: str
    commands: frozenset[str]
    same: Callable[[Node, Node], bool]
    applies: Callable[[Case], bool] = field(default=lambda case: True)


@dataclass(frozen=True)
class Departure:
    """A difference that is meant."""

    name: str
    reason: str
    applies: Callable[[Case], bool]


_EXCLUDED_BY_REASON: Final = {
    "ends or restarts the server": "shutdown debug quit",
    "changes what the next rounds run on": """
        acl auth cluster config failover flushall flushdb function hello module monitor replicaof reset select slaveof
        swapdb script asking readonly readwrite restore-asking
    """,
    "talks to other servers or waits for them": "migrate psync replconf sync wait waitaof",
    "makes the connection one of another kind": """
        psubscribe ssubscribe subscribe punsubscribe sunsubscribe unsubscribe
    """,
    "leaves the connection in a transaction": "multi exec discard watch unwatch",
    "describes the server, not the data": """
        client command info latency lolwut memory role slowlog lastsave save bgsave bgrewriteaof
    """,
    "needs a script or a payload, and has tests of its own": """
        eval eval_ro evalsha evalsha_ro fcall fcall_ro dump restore
    """,
    "serves the real server's own developers": "pfselftest pfdebug",
    "has words of our own": "object|help xinfo|help xgroup|help pubsub|help",
}
EXCLUDED: Final = {name: reason for reason, names in _EXCLUDED_BY_REASON.items() for name in names.split()}


def _shape(node: Node) -> object:
    """Kinds and counts, without content."""
    return (node.kind, node.text is None, tuple(_shape(item) for item in node.items))


def same_shape(ours: Node, theirs: Node) -> bool:
    """Both replies are made alike, whatever they say."""
    return _shape(ours) == _shape(theirs)


def same_kind(ours: Node, theirs: Node) -> bool:
    """Replies of the same kind."""
    return ours.kind == theirs.kind and (ours.text is None) == (theirs.text is None)


def _sorted_items(node: Node) -> list[str]:
    return sorted(map(repr, node.items))


def same_members(ours: Node, theirs: Node) -> bool:
    """The same members in any order."""
    return ours == theirs or (ours.kind == theirs.kind and _sorted_items(ours) == _sorted_items(theirs))


def same_pairs(ours: Node, theirs: Node) -> bool:
    """The same pairs in any order, maps and flat arrays alike."""
    if ours.kind != theirs.kind or len(ours.items) % 2:
        return ours == theirs
    return _pairs(ours) == _pairs(theirs)


def _pairs(node: Node) -> list[str]:
    return sorted(repr(pair) for pair in zip(node.items[::2], node.items[1::2], strict=True))


def same_scan(ours: Node, theirs: Node) -> bool:
    """A cursor and elements; where both scans are complete, the same elements."""
    if ours.kind != b"*" or theirs.kind != b"*":
        return ours == theirs
    if [node.items[0].text for node in (ours, theirs)] == [b"0", b"0"]:
        return _sorted_items(ours.items[1]) == _sorted_items(theirs.items[1])
    return same_scan_kind(ours, theirs)


def same_scan_kind(ours: Node, theirs: Node) -> bool:
    """A cursor and any elements."""
    return same_kind(ours, theirs) and [n.kind for n in ours.items] == [n.kind for n in theirs.items]


def continues_scan(case: Case) -> bool:
    """A SCAN that does not begin at cursor 0."""
    return b"0" not in case.argv[1:3]


def same_times(ours: Node, theirs: Node) -> bool:
    """Arrays of integers that a clock decides."""
    if not same_count(ours, theirs) or ours.kind != b"*":
        return ours == theirs
    return all(map(same_time, ours.items, theirs.items))


def same_count(ours: Node, theirs: Node) -> bool:
    """Arrays of as many elements, or equal replies."""
    return ours == theirs or (ours.kind == theirs.kind == b"*" and len(ours.items) == len(theirs.items))


def keeps_order(case: Case) -> bool:
    """A SORT that is told by BY, with no pattern, not to sort."""
    words = [word.upper() for word in case.argv]
    return any(word == b"BY" and b"*" not in after for word, after in pairwise(words))


def sorts_by_text(case: Case) -> bool:
    """A SORT with BY and ALPHA."""
    words = {word.upper() for word in case.argv}
    return b"BY" in words and b"ALPHA" in words


def same_time(ours: Node, theirs: Node) -> bool:
    """Integers that a clock decides: both negative and equal, or close."""
    if ours.kind != b":" or theirs.kind != b":":
        return ours == theirs
    mine, others = int(ours.text or b"0"), int(theirs.text or b"0")
    return mine == others or (min(mine, others) >= 0 and abs(mine - others) <= _TOLERANCE_MS)


_ACTIVITY: Final = frozenset({b"idle", b"inactive", b"seen-time", b"active-time"})


def same_activity(ours: Node, theirs: Node) -> bool:
    """The same, but for the times that stand behind the words for them."""
    if ours.kind != theirs.kind or ours.text != theirs.text or len(ours.items) != len(theirs.items):
        return False
    names = [None, *(item.text for item in ours.items)]
    return all(
        same_time(mine, other) if name in _ACTIVITY else same_activity(mine, other)
        for name, mine, other in zip(names, ours.items, theirs.items, strict=False)
    )


RULES: Final = [
    Rule(
        "any order",
        "A set has no order; which one a server answers in depends on its hash seed.",
        frozenset(
            [
                "keys",
                "smembers",
                "sinter",
                "sunion",
                "sdiff",
                "hkeys",
                "hvals",
                "pubsub|channels",
                "pubsub|shardchannels",
            ]
        ),
        same_members,
    ),
    Rule("any order of pairs", "As for sets: a hash has no order.", frozenset({"hgetall"}), same_pairs),
    Rule(
        "scan",
        "Cursors are the server's own business; complete scans must give the same elements.",
        frozenset(["scan", "sscan", "hscan", "zscan"]),
        same_scan,
    ),
    Rule(
        "scan from a cursor of no scan",
        "What a cursor means that the server has not given is nobody's business: any elements may come.",
        frozenset(["scan", "sscan", "hscan", "zscan"]),
        same_scan_kind,
        continues_scan,
    ),
    Rule(
        "any order of a set left unsorted",
        "SORT with BY nosort answers in the order the set has, and with LIMIT in a part of it.",
        frozenset({"sort", "sort_ro"}),
        same_count,
        keeps_order,
    ),
    Rule(
        "any order of equal weights",
        "SORT by the text of other keys leaves elements whose keys are missing or alike in the order it met them.",
        frozenset({"sort", "sort_ro"}),
        same_count,
        sorts_by_text,
    ),
    Rule(
        "clock",
        "Time passes between the two servers' replies.",
        frozenset(["ttl", "pttl", "object|idletime"]),
        same_time,
    ),
    Rule(
        "clock for fields",
        "As for keys.",
        frozenset(["httl", "hpttl", "hexpiretime", "hpexpiretime"]),
        same_times,
    ),
    Rule(
        "clock of consumers",
        "A millisecond may pass between what a consumer did and the reply that tells of it.",
        frozenset(["xinfo|consumers", "xinfo|stream"]),
        same_activity,
    ),
    Rule(
        "relative deadline",
        "EXPIRE counts from each server's own now.",
        frozenset(["expiretime", "pexpiretime"]),
        same_time,
    ),
    Rule(
        "chance",
        "The reply is random; its kind and size are not.",
        frozenset(["randomkey", "srandmember", "hrandfield", "zrandmember", "spop"]),
        same_shape,
    ),
    Rule("now", "The reply is the time.", frozenset({"time"}), same_shape),
]

# Chance also decides what these leave behind: their keys are deleted right afterwards.
RANDOM_EFFECT: Final = frozenset({"spop"})

# What removes expired keys where it happens to come by: they are removed everywhere right afterwards.
COMES_BY: Final = frozenset({"randomkey", "scan"})

# The real servers by what they know.
_BEFORE_7_2: Final = frozenset({"redis-6.2", "redis-7.0"})
_VALKEY: Final = frozenset({"valkey-9.1"})
_REDIS_8: Final = frozenset({"redis-8.2"})
_AFTER_7_2: Final = _VALKEY | _REDIS_8

# Commands of one name that servers of another family take otherwise, so that nothing of them can be compared there.
OTHERWISE: Final[dict[str, frozenset[str]]] = {
    "valkey-9.1": frozenset(
        {
            *("hexpire", "hexpireat", "hexpiretime", "hgetdel", "hgetex", "hpersist", "hpexpire", "hpexpireat"),
            *("hpexpiretime", "hpttl", "hsetex", "httl"),
            *("dbsize", "sort", "sort_ro"),
        }
    ),
}
"""By server. Fields that expire are as in Redis 8, whose checks and texts Valkey did not take over: see redis-8.2.
Valkey deletes a key at once when it is given a deadline in the past, Redis 7 when somebody looks: DBSIZE shows it.
SORT takes an empty element for 0 as Redis does; Valkey refuses it as no number."""


def _text_differs(case: Case, ours: bytes, theirs: bytes) -> bool:
    """Both are errors, and these are in them."""
    both_fail = case.ours[:1] == b"-" == case.theirs[:1]
    return both_fail and ours in case.ours and theirs in case.theirs


DEPARTURES: Final[list[Departure]] = [
    Departure(
        "int from its text",
        "A string is kept as its text, so one that reads as an integer is `int` and shared like any other, also where "
        "a real server still knows that INCRBYFLOAT made it.",
        lambda case: (
            (
                case.name == "object|encoding"
                and b"int" in case.ours
                and (b"embstr" in case.theirs or b"raw" in case.theirs)
            )
            or (case.name == "object|refcount" and case.ours == b":2147483647\r\n" and case.theirs == b":1\r\n")
        ),
    ),
    Departure(
        "listpack lists and sets",
        "Redis 7.2 keeps small lists and sets in listpacks, 7.0 did not.",
        lambda case: (
            case.name == "object|encoding"
            and case.server in _BEFORE_7_2
            and b"listpack" in case.ours
            and (b"quicklist" in case.theirs or b"hashtable" in case.theirs)
        ),
    ),
    Departure(
        "SORT leaves sorted sets as they are",
        "Real servers turn a small sorted set into a skiplist to sort it; a command that only reads need not.",
        lambda case: case.name == "object|encoding" and b"listpack" in case.ours and b"skiplist" in case.theirs,
    ),
    Departure(
        "BITCOUNT with a start only",
        "Valkey takes it, Redis wants an end as well.",
        lambda case: (
            case.name == "bitcount" and len(case.argv) == 3 and case.server in _VALKEY and b"syntax" in case.ours
        ),
    ),
    Departure(
        "unbalanced streams",
        "Redis 7.2 names the command in the error.",
        lambda case: case.server in _BEFORE_7_2 and _text_differs(case, b"Unbalanced '", b"Unbalanced XREAD"),
    ),
    Departure(
        "scores of many digits",
        "Redis 7.2 prints doubles by the shortest digits that read back the same, 7.0 by 17.",
        lambda case: case.server in _BEFORE_7_2 and _equal_numbers(case.ours, case.theirs),
    ),
    Departure(
        "sign of zero",
        "A sorted set in a listpack has no -0. Valkey begins without one if any new member is long, Redis 7.2 looks at "
        "the first.",
        lambda case: case.server in _VALKEY and b"-0" in case.theirs and _equal_numbers(case.ours, case.theirs),
    ),
    Departure(
        "rank of LPOS",
        "Redis 7.2 checks the range of RANK where it reads it.",
        lambda case: case.name == "lpos" and case.server in _BEFORE_7_2 and b"value must between" in case.ours,
    ),
    Departure(
        "smallest count of LREM",
        "Redis 8 and Valkey refuse it, Redis 7.2 takes it as it is.",
        lambda case: case.name == "lrem" and case.server in _AFTER_7_2 and b"value must between" in case.theirs,
    ),
    Departure(
        "XSETID below a deleted entry",
        "Redis 7.2 refuses it.",
        lambda case: (
            case.name == "xsetid" and case.server in _BEFORE_7_2 and b"current max_deleted_entry_id" in case.ours
        ),
    ),
    Departure(
        "HSCAN NOVALUES",
        "Redis 7.4 and Valkey 8 brought it.",
        lambda case: case.name == "hscan" and case.server in _BEFORE_7_2 and b"NOVALUES" in _upper(case),
    ),
    Departure(
        "GEOSEARCH BYPOLYGON",
        "Valkey 9 brought it.",
        lambda case: (
            case.name in {"geosearch", "geosearchstore"}
            and case.server not in _VALKEY
            and b"BYPOLYGON" in _upper(case)
            and case.theirs[:1] == b"-"
        ),
    ),
    Departure(
        "cursor with a sign",
        "Valkey refuses what Redis 7 reads as a number modulo two to the 64th.",
        lambda case: case.server in _AFTER_7_2 and case.theirs == b"-ERR invalid cursor\r\n",
    ),
    Departure(
        "range of BITCOUNT and BITPOS before the key",
        "Redis 7.4 and Valkey 8 read the range first, Redis 7.2 answers for a missing key or another type at once.",
        lambda case: (
            case.name in {"bitcount", "bitpos"} and case.server in _AFTER_7_2 and case.theirs.startswith(b"-ERR ")
        ),
    ),
    Departure(
        "expire time of GETEX before the key",
        "Valkey checks the time first, Redis 7.2 answers for a missing key or another type at once.",
        lambda case: case.name == "getex" and case.server in _AFTER_7_2 and case.theirs.startswith(b"-ERR "),
    ),
    Departure(
        "last entry of XREAD",
        "Redis 7.4 brought the id `+`, and a text for it in XREADGROUP.",
        lambda case: case.name in {"xread", "xreadgroup"} and case.server in _BEFORE_7_2 and b"+" in case.argv,
    ),
    Departure(
        "consumers that got nothing",
        "Redis 7.2 makes a consumer that claims in vain, and tells when one last got something.",
        lambda case: (
            case.name in {"xinfo|consumers", "xinfo|groups", "xinfo|stream"}
            and case.server in _BEFORE_7_2
            and _without_activity(parse(case.ours)) == _without_activity(parse(case.theirs))
        ),
    ),
    Departure(
        "`+` in the text of unbalanced streams",
        "Redis 8 names it there.",
        lambda case: case.server in _REDIS_8 and _text_differs(case, b"Unbalanced '", b"an ID, '+', or"),
    ),
    Departure(
        "type of SCAN",
        "Redis 8 and Valkey refuse a type they do not know, Redis 7.2 finds nothing of that type.",
        lambda case: case.name == "scan" and case.server in _AFTER_7_2 and b"unknown type name" in case.theirs,
    ),
    Departure(
        "missing member of a geo set",
        "Valkey's text names the member.",
        lambda case: case.server in _VALKEY and _text_differs(case, b"could not decode requested", b"does not exist"),
    ),
    Departure(
        "hexadecimal numbers",
        "Valkey 9 refuses them where a double is wanted, Redis reads them.",
        lambda case: (
            case.server in _VALKEY and b" float" in case.theirs and any(word[:2] == b"0x" for word in case.argv)
        ),
    ),
    Departure(
        "coordinates of many digits",
        "Redis 8 prints them by the shortest digits that read back the same, 7.2 with 17 decimals.",
        lambda case: (
            case.name.startswith("geo")
            and case.server in _REDIS_8
            and _numbers_as_floats(parse(case.ours), 16) == _numbers_as_floats(parse(case.theirs), 16)
        ),
    ),
    Departure(
        "ENTRIESREAD beyond the stream",
        "Redis 8 takes what it says for no more than was ever added, 7.2 as it is.",
        lambda case: (
            case.name in {"xinfo|groups", "xinfo|stream"}
            and case.server in _REDIS_8
            and _without_reads(parse(case.ours)) == _without_reads(parse(case.theirs))
        ),
    ),
    Departure(
        "HSETEX NX and XX",
        "Valkey 9.1 brought them.",
        lambda case: case.name == "hsetex" and case.server in _REDIS_8 and _names_key_condition(case),
    ),
    Departure(
        "lists of one element above the limit",
        "Redis 7.2 keeps an element of any length in a listpack where elements are counted, and then takes the list "
        "for one; Redis 8 and Valkey keep it in a node of its own.",
        lambda case: (
            case.name == "object|encoding"
            and case.server in _AFTER_7_2
            and b"listpack" in case.ours
            and b"quicklist" in case.theirs
        ),
    ),
    Departure(
        "LSET far outside",
        "Redis 8.2 and Valkey take the ends of the 64-bit range for the ends of the list.",
        lambda case: case.name == "lset" and case.server in _AFTER_7_2 and case.theirs == b"+OK\r\n",
    ),
]


def _names_key_condition(case: Case) -> bool:
    text = case.theirs.upper()
    return text in {b"-ERR UNKNOWN ARGUMENT: NX\r\n", b"-ERR UNKNOWN ARGUMENT: XX\r\n"}


def _upper(case: Case) -> set[bytes]:
    return {word.upper() for word in case.argv}


def _without_activity(node: Node) -> object:
    """A reply without the times of consumers, and without those that have nothing; maps as flat arrays."""
    kept: list[object] = []
    names = [item.text for item in node.items]
    for at, item in enumerate(node.items):
        before = names[at - 1] if at else None
        is_number_of_consumers = before == b"consumers" and not item.items
        if item.text in _ACTIVITY or before in _ACTIVITY or is_number_of_consumers or _has_nothing(item):
            continue
        kept.append(_without_activity(item))
    return (node.kind, None if node.kind in {b"*", b"%"} else node.text, kept)


def _without_reads(node: Node) -> object:
    """A reply without the numbers of entries that groups have read; maps as flat arrays."""
    names = [None, *(item.text for item in node.items)]
    kept = [_without_reads(item) for name, item in zip(names, node.items, strict=False) if name != b"entries-read"]
    return (node.kind, node.text, kept)


def _has_nothing(node: Node) -> bool:
    """A consumer, as XINFO shows one, with no pending entry."""
    return any(
        one.text in {b"pending", b"pel-count"} and other.text == b"0" for one, other in pairwise(node.items)
    ) and not any(item.text == b"last-delivered-id" for item in node.items)


def _equal_numbers(ours: bytes, theirs: bytes) -> bool:
    """The replies are alike but for numbers that are equal as doubles."""
    return _numbers_as_floats(parse(ours)) == _numbers_as_floats(parse(theirs))


def _numbers_as_floats(node: Node, decimals: int | None = None) -> object:
    text: object = node.text
    if node.kind in {b"$", b","} and node.text is not None:
        try:
            text = float(node.text) if decimals is None else round(float(node.text), decimals)
        except ValueError:
            text = node.text
    return (node.kind, text, [_numbers_as_floats(item, decimals) for item in node.items])


def parts_ways(case: Case) -> bool:
    """Whether one server refused a command that the other carried out: from here on their data may differ."""
    return (case.ours[:1] == b"-") != (case.theirs[:1] == b"-")


def allowed(case: Case) -> str | None:
    """Why two replies may differ.

    Returns:
        An empty string where nothing differs, the name of the rule or departure that covers it, or None: a difference.
    """
    if case.ours == case.theirs:
        return ""
    failed = b"-" in {case.ours[:1], case.theirs[:1]}
    for rule in [] if failed else RULES:
        if case.name in rule.commands and rule.applies(case) and rule.same(parse(case.ours), parse(case.theirs)):
            return rule.name
    return next((departure.name for departure in DEPARTURES if departure.applies(case)), None)
