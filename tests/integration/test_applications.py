"""Celery, RQ, Django and BullMQ do their real job on hognose for some seconds, and nothing is lost.

HOGNOSE_APPLICATION_SECONDS says for how many; `python -m compat.applications --seconds 60` does the same on a real
server, too, as the control.
"""

import os

import pytest

from compat.applications.drive import APPLICATIONS, run_application
from compat.servers import find, hognose_binary
from tests.integration.server_process import command

SECONDS = float(os.environ.get("HOGNOSE_APPLICATION_SECONDS", "5"))


@pytest.mark.parametrize("application", APPLICATIONS)
def test_an_application_loses_nothing(application: str) -> None:
    binary = hognose_binary(command())
    assert binary is not None
    outcome = run_application(application, binary, SECONDS)
    assert outcome.faults == [], outcome.output
    assert outcome.done > 0


def test_a_real_server_is_held_to_the_same() -> None:
    binary = find("redis-7.0")
    assert binary is not None, "scripts/install-servers redis-7.0 gets it"
    outcome = run_application("BullMQ", binary, 1.0)
    assert outcome.faults == [], outcome.output
