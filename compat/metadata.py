"""What COMMAND INFO and COMMAND DOCS say, field by field: hognose beside real servers.

hognose follows Redis 7.2, which is in no registry; what 7.2 says of a command is mostly what 7.0 said before it or
Valkey says after it. So a field is right if it equals either server's, and listed in DEPARTURES if it means to equal
neither. Sentences (summary, complexity, notes, what changed in a version) are our own and not compared; versions are.

Arguments are compared as usage lines, in which a block that only groups shows nothing and a choice shows its bars:

    key:key value:string [NX|XX] [GET] [EX seconds:integer|PX milliseconds:integer|KEEPTTL]
"""

from collections.abc import Mapping
from typing import Final

from compat.differential.wire import Link, Node, parse

Value = object
Fields = dict[str, Value]

_DEPARTURES_BY_REASON: Final = {
    "Redis 7.2 deprecates it; 7.0 did not yet, and Valkey took it back": """
        setex/doc flags, setex/deprecated since, psetex/doc flags, psetex/deprecated since, setnx/doc flags,
        setnx/deprecated since, quit/doc flags, quit/deprecated since
    """,
    "fields that expire are Redis 7.4's and 8.0's, which Valkey took over later and described anew": """
        hexpire/flags, hexpire/since, hexpireat/flags, hexpireat/since, hexpireat/arguments, hexpiretime/since,
        hgetdel/since, hgetex/since, hpersist/since, hpexpire/flags, hpexpire/since, hpexpireat/flags,
        hpexpireat/since, hpexpireat/arguments, hpexpiretime/since, hpttl/tips, hpttl/since, hscan/history,
        hsetex/since, hsetex/key specs, hsetex/arguments, httl/tips, httl/since
    """,
    "Redis 7.2's flags: scripts may call it; 7.0 forbids that, Valkey calls it blocking": "wait/flags",
    "Redis 7.2's flags; Valkey allows it while a script runs": "client|no-touch/flags, client|setinfo/flags",
    "Redis 7.2's flags, and 8.2's; Valkey allows it while the dataset is loaded": "cluster|myshardid/flags",
    "Redis 7.4 added an id to it": "xread/history",
    "Redis 7.2's token for the empty key is a pair of quotes, where the others show nothing": "migrate/arguments",
    "says more of the arguments than the real servers do": "pfdebug/arguments, debug/arguments",
    "the filters may come in any order, and MAXAGE is among them": "client|kill/arguments",
}
DEPARTURES: Final[dict[tuple[str, str], str]] = {
    (command, field): reason
    for reason, names in _DEPARTURES_BY_REASON.items()
    for command, _, field in (" ".join(name.split()).partition("/") for name in names.split(","))
}
"""(command, field) to the reason why it equals neither server's."""


def plain(node: Node) -> Value:
    """A reply as Python values: maps as dicts, sets and arrays as lists, the rest as text or int."""
    if node.kind == b"%":
        values = [plain(item) for item in node.items]
        return {str(key): value for key, value in zip(values[::2], values[1::2], strict=True)}
    if node.kind in {b"*", b"~"}:
        return [plain(item) for item in node.items]
    if node.kind == b":":
        return int(node.text or b"0")
    return None if node.text is None else node.text.decode("latin-1")


def fields_of(link: Link) -> dict[str, Fields]:
    """The comparable fields of every command and subcommand of a server.

    Args:
        link: A RESP3 connection.
    """
    found: dict[str, Fields] = {}
    for entry in _sequence(plain(parse(link.ask([b"COMMAND", b"INFO"])))):
        _add_info(found, entry)
    _add_docs(found, _mapping(plain(parse(link.ask([b"COMMAND", b"DOCS"])))))
    return found


def _add_info(found: dict[str, Fields], entry: Value) -> None:
    name, arity, flags, first, last, step, categories, tips, key_specs, subcommands = _sequence(entry)
    found[str(name)] = {
        "arity": arity,
        "flags": _words(flags),
        "key range": (first, last, step),
        "categories": _words(categories),
        "tips": _words(tips),
        "key specs": [_key_spec(_mapping(spec)) for spec in _sequence(key_specs)],
        "is container": bool(_sequence(subcommands)),
    }
    for sub in _sequence(subcommands):
        _add_info(found, sub)


def _add_docs(found: dict[str, Fields], docs: Mapping[str, Value]) -> None:
    for name, value in docs.items():
        entry = _mapping(value)
        found[name] |= {
            "since": entry.get("since"),
            "group": entry.get("group"),
            "doc flags": _words(entry.get("doc_flags") or []),
            "deprecated since": entry.get("deprecated_since"),
            "history": sorted({str(_sequence(change)[0]) for change in _sequence(entry.get("history") or [])}),
            "arguments": usage(_sequence(entry.get("arguments") or [])),
        }
        _add_docs(found, _mapping(entry.get("subcommands") or {}))


def _key_spec(spec: Mapping[str, Value]) -> Value:
    return (_words(spec["flags"]), spec["begin_search"], spec["find_keys"])


def usage(arguments: list[Value], joint: str = " ") -> str:
    """Arguments as a usage line."""
    return joint.join(_usage(_mapping(argument)) for argument in arguments)


def _usage(argument: Mapping[str, Value]) -> str:
    flags = _sequence(argument.get("flags") or [])
    kind = str(argument["type"])
    token = str(argument.get("token") or "")
    inner = f"{argument['name']}:{kind}"
    if kind == "pure-token":
        inner = ""
    elif kind == "oneof":
        inner = usage(_sequence(argument["arguments"]), "|")
        if "optional" not in flags or token:
            inner = f"<{inner}>"
    elif kind == "block":
        inner = usage(_sequence(argument["arguments"]))
    if "multiple" in flags and "multiple_token" not in flags:
        inner = f"({inner})+"
    text = " ".join(part for part in (token, inner) if part)
    if "multiple_token" in flags:
        text = f"({text})+"
    return f"[{text}]" if "optional" in flags else text


def differences(ours: dict[str, Fields], oracles: Mapping[str, dict[str, Fields]]) -> list[str]:
    """The fields that equal no real server's.

    Args:
        ours: hognose's fields.
        oracles: Those of each real server.

    Returns:
        One text per difference that is not listed in DEPARTURES; nothing is said of commands no real server has.
    """
    found: list[str] = []
    for name, fields in sorted(ours.items()):
        theirs = {server: commands[name] for server, commands in oracles.items() if name in commands}
        for field, value in fields.items():
            expected = {server: commands.get(field) for server, commands in theirs.items()}
            if theirs and value not in expected.values() and not _departs(name, field):
                found.append(f"{name}: {field}\n    hognose: {value}\n    " + "\n    ".join(_lines(expected)))
    return found


def _departs(name: str, field: str) -> bool:
    return (name, field) in DEPARTURES


def _lines(expected: Mapping[str, Value]) -> list[str]:
    return [f"{server}: {value}" for server, value in expected.items()]


def _words(value: Value) -> list[str]:
    return sorted(str(word).lower() for word in _sequence(value))


def _sequence(value: Value) -> list[Value]:
    assert isinstance(value, list)
    return value


def _mapping(value: Value) -> dict[str, Value]:
    assert isinstance(value, dict)
    return value
