"""Dumps with a changed byte, the fuzzer of damaged dumps, and its own old payloads undamaged.

How long, in seconds, and from which seed: HOGNOSE_FAULT_ROUNDS and HOGNOSE_FAULT_SEED; `scripts/soak` sets many.
"""

import os
from random import Random, SystemRandom

import pytest

from hognose.persistence.rdb_format import RdbError
from hognose.persistence.rdb_reader import DatasetReader
from hognose.persistence.rdb_source import RdbSource
from tests.faults.dump_fuzz import COMMANDS, VERSIONS, DumpFuzz, check_key, dump_file, fuzz_server
from tests.faults.old_encodings import old_payloads

SECONDS = float(os.environ.get("HOGNOSE_FAULT_ROUNDS", "5"))
PLACES = int(6 * SECONDS)
MAGIC_BYTES = 9
SEED = int(os.environ.get("HOGNOSE_FAULT_SEED", str(SystemRandom().randrange(2**32))))


def test_damaged_payloads_and_files_are_refused_or_sound() -> None:
    print(f"HOGNOSE_FAULT_SEED={SEED}")
    fuzz = DumpFuzz(SEED)
    fuzz.run(SECONDS)
    assert fuzz.cases > 100
    assert 0 < fuzz.accepted < fuzz.cases


@pytest.mark.parametrize("version", VERSIONS)
def test_a_changed_byte_anywhere_is_refused_with_its_offset_or_changes_nothing(version: str) -> None:
    print(f"HOGNOSE_FAULT_SEED={SEED}")
    chance = Random(f"{SEED} {version}")
    whole = dump_file(version, has_checksum=True)
    content = digest_of(whole)
    places = list(range(len(whole)))
    if len(places) > PLACES:
        places = [*places[:12], *places[-10:], *chance.sample(places, PLACES)]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= chance.randrange(1, 256)
        try:
            found: object = digest_of(bytes(changed))
        except RdbError as error:
            found = error
        if isinstance(found, RdbError):
            assert 0 <= found.offset <= len(whole), place
            assert found.text, place
        else:
            # Another version says that no checksum follows, and another magic what some types mean.
            assert (found, place < MAGIC_BYTES) == (content, True), place


def digest_of(file: bytes) -> object:
    """What a server makes of a file, in short. Raises RdbError."""
    server = fuzz_server()
    core = server.server
    DatasetReader(core.keyspace, core.value_limits).read(RdbSource(file), True)
    return server.client()("DEBUG", "DIGEST")


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
