"""Rounds of generated commands against two servers, and what they find.

A round starts from empty databases, sends the same few hundred commands to both servers in pipelines and compares reply
by reply, until a departure leaves different data behind. A first difference ends the round: it is done again from the
start (a difference that does not repeat was the clock's), then cut down: commands before it are left out as long as it
still shows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from compat.differential.departures import COMES_BY, RANDOM_EFFECT, Case, allowed, parts_ways
from compat.differential.generate import Generator
from compat.differential.wire import Link, WireError
from hognose.commands.keyspec import key_positions
from hognose.commands.spec import SPECS, CommandSpec

ROUND_COMMANDS: Final = 300
BATCH_COMMANDS: Final = 50
MOST_TRIALS: Final = 150
MOST_FINDINGS: Final = 30

OK: Final = b"+OK\r\n"
LONGEST_WORD: Final = 60
RESET: Final = [[b"FLUSHALL"], [b"SELECT", b"0"]]


@dataclass(frozen=True)
class Finding:
    """A difference, with the commands that lead to it.

    Attributes:
        commands: From empty databases to the command whose replies differ, which is the last.
        case: That command and both replies.
    """

    commands: tuple[tuple[bytes, ...], ...]
    case: Case

    def signature(self) -> tuple[str, bytes, bytes]:
        """What makes two findings the same: the command and how each reply begins."""
        return (self.case.name, self.case.ours[:12], self.case.theirs[:12])

    def text(self) -> str:
        """The finding for people: commands to paste, then both replies."""
        lines = [" ".join(shown(word) for word in command) for command in self.commands]
        lines.append(f"    hognose:   {self.case.ours[:300]!r}")
        lines.append(f"    {self.case.server}: {self.case.theirs[:300]!r}")
        return "\n".join(lines)


@dataclass
class Outcome:
    """What a comparison found."""

    commands: int = 0
    allowed: Counter[str] = field(default_factory=Counter)
    per_command: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


class Pair:
    """hognose and the real server it is compared with.

    Args:
        ours: Opens a connection to hognose.
        theirs: Opens one to the real server.
        server: The real server's catalogue name.
    """

    def __init__(self, ours: Callable[[], Link], theirs: Callable[[], Link], server: str) -> None:
        self._open = (ours, theirs)
        self._links = [ours(), theirs()]
        self._server = server

    def close(self) -> None:
        """Closes both connections."""
        for link in self._links:
            link.close()

    def cases(self, commands: Sequence[list[bytes]]) -> Iterator[Case]:
        """Runs commands on both servers, from empty databases, and gives each with its replies."""
        self._reset()
        for start in range(0, len(commands), BATCH_COMMANDS):
            batch = commands[start : start + BATCH_COMMANDS]
            for argv, (ours, theirs) in zip(batch, self._replies(batch), strict=True):
                yield Case(self._server, full_name(argv), tuple(argv), ours, theirs)

    def _reset(self) -> None:
        for ours, theirs in self._replies(RESET):
            if ours != OK or theirs != OK:
                raise WireError(f"empty databases were asked for, and answered by {ours!r} and {theirs!r}")

    def _replies(self, commands: Sequence[list[bytes]]) -> list[tuple[bytes, bytes]]:
        for link in self._links:
            link.send(commands)
        return list(zip(self._replies_of(0, len(commands)), self._replies_of(1, len(commands)), strict=True))

    def _replies_of(self, which: int, count: int) -> list[bytes]:
        """A server's replies; where it closed the connection or fell silent, that in their place, and a new one."""
        replies: list[bytes] = []
        try:
            while len(replies) < count:
                replies.append(self._links[which].reply())
        except WireError as error:
            replies.extend([b"-(%b)\r\n" % str(error).encode()] * (count - len(replies)))
            self._links[which].close()
            self._links[which] = self._open[which]()
        return replies

    def first_difference(self, commands: Sequence[list[bytes]]) -> Finding | None:
        """Runs commands up to the first reply that may not differ and does."""
        sent: list[tuple[bytes, ...]] = []
        for case in self.cases(commands):
            sent.append(case.argv)
            if allowed(case) is None:
                return Finding(tuple(sent), case)
            if parts_ways(case):
                return None
        return None


def compare(pair: Pair, specs: list[CommandSpec], commands: int, seed: int) -> Outcome:
    """Compares the replies to generated commands.

    Args:
        pair: Both servers.
        specs: The commands to choose from.
        commands: How many to send at least.
        seed: Decides all of them; round N of seed S is always the same.

    Returns:
        Counts, and up to MOST_FINDINGS different findings.
    """
    outcome = Outcome()
    number = 0
    while outcome.commands < commands and len(outcome.findings) < MOST_FINDINGS:
        batch = round_commands(specs, seed, number)
        number += 1
        finding = _run_round(pair, batch, outcome)
        if finding is None:
            continue
        confirmed = pair.first_difference([list(argv) for argv in finding.commands])
        if confirmed is None:
            outcome.allowed["did not repeat"] += 1
        elif confirmed.signature() not in {known.signature() for known in outcome.findings}:
            outcome.findings.append(cut_down(pair, confirmed))
    return outcome


def round_commands(specs: list[CommandSpec], seed: int, number: int) -> list[list[bytes]]:
    """The commands of one round."""
    generator = Generator(specs, Random(f"{seed}/{number}"))
    commands: list[list[bytes]] = []
    while len(commands) < ROUND_COMMANDS:
        argv = generator.command()
        commands.append(argv)
        commands.extend(follow_ups(argv))
    return commands


def follow_ups(argv: list[bytes]) -> list[list[bytes]]:
    """What makes the servers' data equal again after a command whose effect is random."""
    spec = spec_of(argv)
    if spec is not None and spec.name in COMES_BY:
        return [[b"KEYS", b"*"]]
    if spec is None or spec.name not in RANDOM_EFFECT:
        return []
    return [[b"DEL", argv[at]] for at in key_positions(spec.keys, argv) or []]


def cut_down(pair: Pair, finding: Finding) -> Finding:
    """Leaves out commands as long as the same difference shows. At most MOST_TRIALS runs."""
    size = max(len(finding.commands) // 2, 1)
    trials = 0
    while trials < MOST_TRIALS:
        shorter = None
        for start in range(0, len(finding.commands) - 1, size):
            end = min(start + size, len(finding.commands) - 1)
            kept = [list(argv) for argv in (*finding.commands[:start], *finding.commands[end:])]
            trials += 1
            found = pair.first_difference(kept)
            if found is not None and found.signature() == finding.signature():
                shorter = found
                break
        if shorter is not None:
            finding = shorter
            size = min(size, max(len(finding.commands) // 2, 1))
        elif size == 1:
            break
        else:
            size //= 2
    return finding


def spec_of(argv: Sequence[bytes]) -> CommandSpec | None:
    """The record of the command that arguments name."""
    spec = SPECS.get(argv[0].decode("latin-1").lower())
    if spec is None or len(argv) < 2 or not spec.subcommands:
        return spec
    return spec.subcommands.get(argv[1].decode("latin-1").lower(), spec)


def full_name(argv: Sequence[bytes]) -> str:
    """The full lower-case name of the command that arguments name; empty for none."""
    spec = spec_of(argv)
    return "" if spec is None else spec.name


def shown(word: bytes) -> str:
    """An argument as redis-cli takes it, quoted where that is needed."""
    text = word[:LONGEST_WORD].decode("latin-1")
    if text and text.isascii() and text.isprintable() and not set(text) & set(" '\"\\"):
        return text
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\' else f"\\x{byte:02x}" for byte in word[:LONGEST_WORD]
    )
    return f'"{escaped}"'


def _run_round(pair: Pair, batch: list[list[bytes]], outcome: Outcome) -> Finding | None:
    """Runs a round into the outcome's counts; gives the first difference."""
    sent: list[tuple[bytes, ...]] = []
    for case in pair.cases(batch):
        sent.append(case.argv)
        why = allowed(case)
        outcome.commands += 1
        outcome.per_command[case.name] += 1
        if why is None:
            return Finding(tuple(sent), case)
        if why:
            outcome.allowed[why] += 1
        if parts_ways(case):
            break
    return None
