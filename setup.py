"""Builds the compiled wheel; HOGNOSE_PURE=1 builds the interpreted one from the same source.

Every module of the package is compiled as one mypyc group, so that calls between modules are plain C calls. Left
interpreted are the few that gain nothing from it: the entry points and what subclasses foreign Python classes.
"""

import os
from pathlib import Path

from setuptools import setup

INTERPRETED = {
    "hognose/__init__.py",
    "hognose/__main__.py",
    "hognose/config/__main__.py",
    "hognose/embedded.py",
    "hognose/pytest_plugin.py",
}


def compiled_modules() -> list[str]:
    """The paths of all modules to compile, sorted so that builds are repeatable."""
    found = {path.as_posix() for path in Path("hognose").rglob("*.py")}
    return sorted(found - INTERPRETED)


if os.environ.get("HOGNOSE_PURE") == "1":
    setup()
else:
    from mypyc.build import mypycify

    setup(
        ext_modules=mypycify(
            compiled_modules(),
            opt_level=os.environ.get("HOGNOSE_OPT_LEVEL", "3"),
            debug_level="1",
            multi_file=True,
        )
    )
