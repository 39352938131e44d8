"""The score for the kernel's out-of-memory killer, with a file of our own in the kernel's place."""

from __future__ import annotations

import pytest

from hognose.config.store import Config
from hognose.server.log import Log
from hognose.server.oomscore import OomScore, ScoreFile


class FakeScoreFile(ScoreFile):
    """A score in memory; below `least` it may not be set."""

    def __init__(self, score: int, least: int = -1000) -> None:
        self.score = score
        self.least = least
        self.writes = 0

    def read(self) -> int:
        return self.score

    def write(self, score: int) -> None:
        if score < self.least:
            raise PermissionError(13, "Permission denied")
        self.score = score
        self.writes += 1


class Machine:
    """A server's configuration and its score."""

    def __init__(self, score: int = 0, least: int = -1000) -> None:
        self.config = Config()
        self.file = FakeScoreFile(score, least)
        log = Log()
        log.level = 4
        self.oom = OomScore(self.config.settings, log, self.file)
        self.config.on_change("oom-score-adj", self.oom.apply)
        self.config.on_change("oom-score-adj-values", self.oom.apply)

    def set(self, **directives: str) -> None:
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in directives.items()]
        self.config.set_many(pairs)


def test_values_count_from_the_score_at_start_or_are_absolute() -> None:
    machine = Machine(score=22)
    machine.set(oom_score_adj_values="9 20 30", oom_score_adj="yes")
    assert machine.file.score == 31
    machine.set(oom_score_adj="absolute")
    assert machine.file.score == 9
    machine.set(oom_score_adj="relative")
    assert machine.file.score == 31


def test_turned_off_the_first_score_comes_back() -> None:
    machine = Machine(score=22)
    machine.set(oom_score_adj_values="9 20 30", oom_score_adj="yes")
    machine.set(oom_score_adj="no")
    assert machine.file.score == 22


def test_while_turned_off_values_change_nothing() -> None:
    machine = Machine(score=22)
    machine.set(oom_score_adj_values="1 2 3")
    assert (machine.file.score, machine.file.writes) == (22, 0)


def test_replicas_and_children_have_scores_of_their_own() -> None:
    machine = Machine(score=5)
    machine.set(oom_score_adj_values="10 20 30", oom_score_adj="yes")
    machine.oom.is_replica = True
    assert machine.oom.apply() == ""
    assert machine.file.score == 25
    machine.oom.apply_to_child()
    assert machine.file.score == 35


def test_the_kernels_range_is_kept() -> None:
    machine = Machine(score=500)
    machine.set(oom_score_adj_values="800 900 1000", oom_score_adj="yes")
    assert machine.file.score == 1000


def test_a_refused_score_refuses_the_change_and_keeps_the_old_values() -> None:
    machine = Machine(least=0)
    machine.set(oom_score_adj_values="0 100 100", oom_score_adj="yes")
    with pytest.raises(Exception, match=r"Failed to set current oom_score_adj\. Check server logs\."):
        machine.set(oom_score_adj_values="-1000 -1000 -1000")
    assert machine.config.get(b"oom-score-adj-values") == b"0 100 100"
    assert machine.file.score == 0
