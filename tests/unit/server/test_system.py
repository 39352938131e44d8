"""Lists of processors, and addresses of listening sockets."""

from __future__ import annotations

import socket

import pytest

from hognose.server.listeners import listen_tcp
from hognose.server.system import parse_cpus


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0", {0}), ("0-3", {0, 1, 2, 3}), ("1,3", {1, 3}), ("0-10:5,7", {0, 5, 7, 10}), ("2-1", set())],
)
def test_lists_of_processors_are_numbers_ranges_and_steps(text: str, expected: set[int]) -> None:
    assert parse_cpus(text) == expected


@pytest.mark.parametrize("text", ["", "a", "1-", "1,,2", "0-3:x"])
def test_what_is_no_list_of_processors_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        parse_cpus(text)


def test_accepted_connections_inherit_keepalive_from_the_listening_socket() -> None:
    with listen_tcp("127.0.0.1", 0, 10, 90) as listening:
        listening.setblocking(True)
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 90
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL) == 30


def test_keepalive_of_zero_sends_no_probes() -> None:
    with listen_tcp("127.0.0.1", 0, 10, 0) as listening:
        assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    with pytest.raises(OSError, match="Cannot assign requested address"):
        listen_tcp("192.0.2.1", 0, 10, 0)


def test_a_name_that_is_no_address_cannot_be_listened_on() -> None:
    with pytest.raises(OSError, match=r"not known|failure|resolution"):
        listen_tcp("999.999.999.999", 0, 10, 0)
