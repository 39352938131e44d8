"""The fuzzer of damaged dumps, and its own old payloads undamaged.

How long, in seconds, and from which seed: HOGNOSE_FAULT_ROUNDS and HOGNOSE_FAULT_SEED; `scripts/soak` sets many.
"""

import os
from random import SystemRandom

import pytest

from tests.faults.dump_fuzz import COMMANDS, DumpFuzz, check_key, fuzz_server
from tests.faults.old_encodings import old_payloads

SECONDS = float(os.environ.get("HOGNOSE_FAULT_ROUNDS", "5"))
SEED = int(os.environ.get("HOGNOSE_FAULT_SEED", str(SystemRandom().randrange(2**32))))


def test_damaged_payloads_and_files_are_refused_or_sound() -> None:
    print(f"HOGNOSE_FAULT_SEED={SEED}")
    fuzz = DumpFuzz(SEED)
    fuzz.run(SECONDS)
    assert fuzz.cases > 100
    assert 0 < fuzz.accepted < fuzz.cases


@pytest.mark.parametrize("payload", old_payloads())
def test_old_encodings_are_taken_undamaged_and_survive_commands(payload: bytes) -> None:
    server = fuzz_server()
    client = server.client()
    assert client("RESTORE", "k", 0, payload) == b"OK"
    kind = client("TYPE", "k")
    assert isinstance(kind, bytes)
    for command in COMMANDS[kind]:
        client(*command)
        check_key(server, b"k")
