"""The backlog beside the whole stream it is the end of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hognose.replication.backlog import Backlog

PARTS = st.lists(st.binary(max_size=12), max_size=30)


@given(st.integers(1, 20), st.integers(0, 1000), PARTS)
def test_backlog_holds_the_end_of_the_stream(size: int, before: int, parts: list[bytes]) -> None:
    backlog = Backlog(size, before + 1)
    stream = b""
    for part in parts:
        backlog.add(part)
        stream += part
        kept = stream[-size:]
        following = before + len(stream) + 1
        assert backlog.length == len(kept)
        assert backlog.first_offset() == following - len(kept)
        for missing in range(len(kept) + 1):
            assert backlog.has(following - missing)
            assert backlog.since(following - missing) == kept[len(kept) - missing :]
        assert not backlog.has(following + 1)
        assert not backlog.has(following - len(kept) - 1)


@given(st.integers(1, 20), st.integers(1, 20), PARTS, st.binary(max_size=30))
def test_resized_backlog_goes_on_where_it_was(size: int, other: int, parts: list[bytes], more: bytes) -> None:
    backlog = Backlog(size, 1)
    for part in parts:
        backlog.add(part)
    stream = b"".join(parts)
    kept = stream[-min(size, other) :] if stream else b""
    fresh = backlog.resized(other)
    assert fresh.since(fresh.first_offset()) == kept
    assert fresh.first_offset() == len(stream) - len(kept) + 1
    fresh.add(more)
    assert fresh.since(fresh.first_offset()) == (kept + more)[-other:]
