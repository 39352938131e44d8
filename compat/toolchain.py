"""What clients and applications in other languages need: Node.js packages and a compiled C program, cached.

Node.js packages are installed by `npm ci` from `compat/node/package-lock.json` into a folder named after that file's
content; the C program is compiled when its source changed. Both live beside the real servers' binaries
(`compat.servers`). Nothing is skipped where a tool is missing: that is an error, and says what to install.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from compat.servers.catalogue import cache_directory

NODE_FOLDER: Final = Path(__file__).with_name("node")
NPM_FILES: Final = ("package.json", "package-lock.json", ".npmrc")


class ToolError(Exception):
    """A tool is missing or failed; the message says what to do."""


def node_command(program: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """The command line that runs a program of `compat/node`, and the environment it needs.

    Raises:
        ToolError: Node.js is missing, or its packages cannot be installed.
    """
    environment = {**os.environ, "NODE_PATH": str(_node_modules())}
    return [_tool("node", "nodejs"), str(NODE_FOLDER / program), *arguments], environment


def compiled(source: Path, *libraries: str) -> Path:
    """Compiles a C program, if that has not been done yet, and gives its path.

    Args:
        source: The program's only file.
        libraries: What it is linked with, such as `hiredis`.

    Raises:
        ToolError: The compiler is missing or refuses the program.
    """
    target = cache_directory() / f"{source.stem}-{_digest(source)}"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        links = [f"-l{library}" for library in libraries]
        _run([_tool("gcc", "gcc libc6-dev"), "-Wall", "-O1", "-o", str(made), str(source), *links], None)
        made.replace(target)
    return target


def _node_modules() -> Path:
    """The folder of the packages that the lock file names."""
    folder = cache_directory() / f"node-{_digest(*(NODE_FOLDER / name for name in NPM_FILES))}"
    modules = folder / "node_modules"
    if modules.is_dir():
        return modules
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "packages"
        made.mkdir()
        for name in NPM_FILES:
            shutil.copy(NODE_FOLDER / name, made)
        _run([_tool("npm", "npm"), "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], made)
        made.replace(folder)
    return modules


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()[:12]


def _tool(name: str, packages: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise ToolError(f"{name} is missing: apt-get install {packages}")
    return path


def _run(argv: list[str], folder: Path | None) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise ToolError(f"failed: {' '.join(argv)}\n{done.stderr.strip() or done.stdout.strip()}")
