"""The stream and its followers, without sockets."""

from __future__ import annotations

from hognose.replication.primary import CAN_EOF, ONLINE, WAIT_END, Primary, Replica
from tests.inprocess import InProcessServer


def follower(primary: Primary, server: InProcessServer, state: int = ONLINE) -> Replica:
    replica = primary.candidate(server.client().connection)
    replica.state = state
    primary.enlist(replica)
    return replica


def test_select_stands_where_the_database_changes() -> None:
    primary = Primary()
    assert primary.encode(3, [b"SET", b"k", b"v"]).startswith(b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n")
    assert primary.encode(3, [b"DEL", b"k"]) == b"*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n"
    assert primary.encode(-1, [b"MULTI"]) == b"*1\r\n$5\r\nMULTI\r\n"
    assert b"SELECT" in primary.encode(0, [b"DEL", b"k"])
    primary.forget_selection()
    assert b"SELECT" in primary.encode(0, [b"DEL", b"k"])


def test_former_stream_can_be_gone_on_with_up_to_where_it_parted() -> None:
    primary = Primary()
    primary.open_backlog(100)
    primary.extend(b"0123456789")
    primary.former_id = "f" * 40
    primary.former_until = 6
    assert primary.continuation(b"F" * 40, 6) == b"56789"
    assert primary.continuation(b"f" * 40, 7) is None
    assert primary.continuation(primary.id.encode(), 7) == b"6789"
    assert primary.continuation(primary.id.encode(), 11) == b""
    assert primary.continuation(primary.id.encode(), 12) is None
    primary.close_backlog()
    assert primary.continuation(primary.id.encode(), 11) is None


def test_old_replicas_and_those_still_copying_do_not_hold_up_the_end() -> None:
    server = InProcessServer()
    primary = Primary()
    primary.extend(b"0123456789")
    good = follower(primary, server)
    follower(primary, server).is_old = True
    follower(primary, server, WAIT_END)
    assert not primary.in_sync()
    good.acknowledged = 10
    assert primary.in_sync()
    assert primary.acknowledged_by(10) == 1
    assert primary.acknowledged_by(0) == 2


def test_snapshot_is_shared_only_by_those_who_can_read_it() -> None:
    server = InProcessServer()
    primary = Primary()
    one, other = follower(primary, server), follower(primary, server)
    one.capabilities = CAN_EOF
    assert one.can_share(other)
    assert not other.can_share(one)
    other.capabilities = CAN_EOF
    assert other.can_share(one)
    other.wants_keys = False
    assert not other.can_share(one)


def test_replica_is_known_by_what_it_says_of_itself() -> None:
    server = InProcessServer()
    replica = follower(Primary(), server)
    assert replica.address() == "127.0.0.1:12345"
    replica.port = 7000
    replica.ip = "10.0.0.9"
    assert replica.address() == "10.0.0.9:7000"
    assert replica.host() == "10.0.0.9"
