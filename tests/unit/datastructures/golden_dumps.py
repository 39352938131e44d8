"""Reads golden/dumps.json: what scripts/golden-dumps recorded from a real server."""

import base64
import json
import zlib
from pathlib import Path

RECORDED = json.loads((Path(__file__).parent / "golden" / "dumps.json").read_text())


def unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))


LISTPACKS: list[tuple[list[bytes], bytes]] = [
    ([unpacked(element) for element in case["elements"]], unpacked(case["blob"])) for case in RECORDED["listpack"]
]
INTSETS: list[tuple[list[int], bytes]] = [(case["members"], unpacked(case["blob"])) for case in RECORDED["intset"]]
QUICKLISTS: list[tuple[int, list[bytes], list[tuple[bool, bytes]]]] = [
    (
        case["max_listpack_size"],
        [unpacked(element) for element in case["elements"]],
        [(plain, unpacked(payload)) for plain, payload in case["nodes"]],
    )
    for case in RECORDED["quicklist"]
]
