"""The tour of the code shows the layers that scripts/check enforces."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def enforced_layers() -> list[set[str]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        layers = tomllib.load(file)["tool"]["importlinter"]["contracts"][0]["layers"]
    return [{name.removeprefix("hognose.") for name in re.findall(r"[\w.]+", layer)} for layer in layers]


def shown_layers() -> list[set[str]]:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    block = text.split("## The layers")[1].split("```")[1]
    return [set(re.split(r",\s*", line.split("  ")[0].strip())) for line in block.strip().splitlines()]


def test_the_tour_shows_the_layers_in_the_order_that_is_enforced() -> None:
    assert shown_layers() == enforced_layers()
