"""Starting servers: command lines, free ports, and what /proc says about CPU time."""

import os
import socket
from pathlib import Path

import pytest

from compat.servers.catalogue import ServerBinary
from compat.servers.process import CLUSTER_BUS_OFFSET, HOST, CpuTimes, command_line, free_port, parse_cpu_times


def test_directives_become_options_before_the_other_words() -> None:
    binary = ServerBinary("hognose", ("python", "-m", "hognose"), "1")
    words = command_line(binary, ["--loglevel", "debug"], {"port": "7000", "save": ""})
    assert words == ["python", "-m", "hognose", "--port", "7000", "--save", "", "--loglevel", "debug"]


@pytest.mark.parametrize("name", ["redis-server", "a name) with (brackets", ")"])
def test_cpu_times_are_read_after_the_last_bracket(name: str) -> None:
    before = "S 1 1 1 0 -1 4194560 100 0 0 0"
    stat = f"4242 ({name}) {before} 250 75 8 9 20 0 5 0 1000 2000 300\n"
    assert parse_cpu_times(stat, 100) == CpuTimes(user=2.5, system=0.75)


def test_cpu_times_of_this_process_agree_with_the_kernels_other_account() -> None:
    read = parse_cpu_times(Path("/proc/self/stat").read_text(), os.sysconf("SC_CLK_TCK"))
    other = os.times()
    assert read.user == pytest.approx(other.user, abs=0.1)
    assert read.system == pytest.approx(other.system, abs=0.1)


def test_cpu_times_subtract_and_add_up() -> None:
    passed = CpuTimes(3.0, 1.5).since(CpuTimes(1.0, 1.0))
    assert passed == CpuTimes(2.0, 0.5)
    assert passed.total == 2.5


def test_a_free_port_can_be_bound_together_with_its_bus_port() -> None:
    port = free_port()
    with socket.socket() as client, socket.socket() as bus:
        client.bind((HOST, port))
        bus.bind((HOST, port + CLUSTER_BUS_OFFSET))
