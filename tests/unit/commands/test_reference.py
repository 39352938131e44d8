"""docs/commands.md says what the command table says."""

from pathlib import Path

from hognose.commands.reference import render
from hognose.commands.spec import SPECS

DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"


def test_the_command_reference_is_current() -> None:
    assert DOCUMENT.read_text() == render(), "run scripts/write-docs"


def test_the_command_reference_has_a_row_for_every_command_and_subcommand() -> None:
    document = render()
    for spec in SPECS.values():
        for named in [spec] if spec.handler is not None else list(spec.subcommands.values()):
            assert f"| `{named.name.replace('|', ' ').upper()}" in document, named.name
