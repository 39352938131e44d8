"""The append-only file of servers that are killed, whose disk is full, whose log is torn: what was confirmed is there.

How many rounds of killing, and from which seed: HOGNOSE_FAULT_ROUNDS and HOGNOSE_FAULT_SEED; `scripts/soak` sets many.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from hognose.persistence.aof_format import encode_command
from hognose.server.append_only_load import AofLoadError, load_append_only
from tests.inprocess import InProcessServer
from tests.integration.server_process import TIMEOUT_S, ServerProcess

ROUNDS = int(os.environ.get("HOGNOSE_FAULT_ROUNDS", "5"))
SEED = int(os.environ.get("HOGNOSE_FAULT_SEED", str(random.randrange(2**32))))
WRITERS = 4
MAY_LOSE_S = {"always": 0.0, "everysec": 1.0}
"""With everysec a write may wait as long for a sync that runs; no longer, and for nothing else."""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def server(folder: Path, *options: str) -> ServerProcess:
    """A server with an append-only file."""
    return ServerProcess("--dir", str(folder), "--appendonly", "yes", "--save", "", options=options)


# Killed at any moment


class Writer(threading.Thread):
    """Counts up two keys in transactions, as fast as it is confirmed, and remembers when each was."""

    def __init__(self, name: str, port: int, first: int) -> None:
        super().__init__(daemon=True)
        self.key = name
        self._port = port
        self._number = first
        self.confirmed: list[tuple[float, int]] = []

    def run(self) -> None:
        client = redis.Redis(port=self._port, socket_timeout=TIMEOUT_S)
        try:
            while True:
                number = self._number + 1
                with client.pipeline(transaction=True) as transaction:
                    transaction.set(f"{self.key}:a", number).rpush(f"{self.key}:list", number)
                    transaction.set(f"{self.key}:b", number).ltrim(f"{self.key}:list", -100, -1)
                    transaction.execute()
                self._number = number
                self.confirmed.append((time.monotonic(), number))
        except redis.RedisError:
            pass  # the server is gone, which is the point
        finally:
            client.close()


def check(client: redis.Redis, writers: list[Writer], killed_at: float, policy: str) -> None:
    """Compares what is there with what was confirmed."""
    for writer in writers:
        first, second = (int(value or 0) for value in client.mget(f"{writer.key}:a", f"{writer.key}:b"))
        assert first == second, f"{writer.key}: half a transaction, {first} and {second}"
        last = client.lindex(f"{writer.key}:list", -1)
        assert int(last or 0) == first, f"{writer.key}: half a transaction, {first} and {last!r} in the list"
        due = [number for at, number in writer.confirmed if at <= killed_at - MAY_LOSE_S[policy]]
        assert first >= max(due, default=0), f"{writer.key}: {max(due)} was confirmed, {first} is there"


class Killing:
    """Rounds of writing, killing and looking.

    Args:
        folder: Where the server's files are.
        policy: appendfsync.
        chance: Decides when it is killed.

    Attributes:
        confirmed: How many transactions were, in all rounds: the last may be over before its first.
    """

    def __init__(self, folder: Path, policy: str, chance: random.Random) -> None:
        self._folder = folder
        self._policy = policy
        self.chance = chance
        self.writers: list[Writer] = []
        self.confirmed = 0
        self._killed_at = 0.0

    def round(self, options: list[str], before_kill: Callable[[redis.Redis], None]) -> None:
        """Looks at what the last round has left, and does the next."""
        words = ["--appendfsync", self._policy, "--hz", "100", *options]
        with server(self._folder, *words).ready() as process:
            with process.client() as client:
                check(client, self.writers, self._killed_at, self._policy)
                first = {name: int(client.get(f"{name}:a") or 0) for name in map(str, range(WRITERS))}
                self.writers = [Writer(name, process.port, number) for name, number in first.items()]
                for writer in self.writers:
                    writer.start()
                before_kill(client)
            self._killed_at = time.monotonic()
            process.process.kill()
            process.wait()
            for writer in self.writers:
                writer.join(TIMEOUT_S)
                self.confirmed += len(writer.confirmed)


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_nothing_confirmed_is_missing_after_a_kill(tmp_path: Path, policy: str) -> None:
    print(f"HOGNOSE_FAULT_SEED={SEED}")
    killing = Killing(tmp_path, policy, random.Random(f"{SEED} {policy}"))
    for _ in range(ROUNDS + 1):
        preamble = killing.chance.choice(["yes", "no"])
        options = ["--aof-use-rdb-preamble", preamble]
        options += ["--auto-aof-rewrite-min-size", "20kb", "--auto-aof-rewrite-percentage", "20"]
        killing.round(options, lambda _: time.sleep(killing.chance.uniform(0.02, 1.5)))
    assert killing.confirmed > 0


@pytest.mark.parametrize("mode", ["fork", "cooperative"])
def test_nothing_confirmed_is_missing_after_a_kill_while_a_rewrite_or_a_snapshot_is_under_way(
    tmp_path: Path, mode: str
) -> None:
    print(f"HOGNOSE_FAULT_SEED={SEED}")
    killing = Killing(tmp_path, "always", random.Random(f"{SEED} {mode}"))

    def begin(client: redis.Redis) -> None:
        client.mset({f"key{number}": "x" * number for number in range(100)})
        client.config_set("rdb-key-save-delay", killing.chance.choice([0, 1000, 10_000]))
        client.execute_command(killing.chance.choice(["BGSAVE", "BGREWRITEAOF"]))
        time.sleep(killing.chance.uniform(0, 1))

    for _ in range(ROUNDS // 2 + 1):
        killing.round(["--snapshot-mode", mode], begin)
    assert killing.confirmed > 0


# Torn logs

LOG = [
    [b"SELECT", b"0"],
    [b"SET", b"a", b"1"],
    [b"RPUSH", b"list", b"x", b"y"],
    [b"MULTI"],
    [b"INCR", b"a"],
    [b"RPUSH", b"list", b"z"],
    [b"EXEC"],
    [b"SET", b"b", b"last"],
]
ENDS = [sum(len(encode_command(command)) for command in LOG[:count]) for count in range(len(LOG) + 1)]
WHOLE = b"".join(encode_command(command) for command in LOG)
UNITS = [0, 1, 2, 3, 7, 8]
"""After how many commands no transaction is open."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a manifest that names one increment, for servers in this process."""
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "appendonlydir"
    directory.mkdir()
    (directory / "appendonly.aof.manifest").write_bytes(b"file appendonly.aof.1.incr.aof seq 1 type i\n")
    return directory


def loaded(server: InProcessServer) -> object:
    """What a server holds after loading the log."""
    job = load_append_only(server.server)
    if job is not None:
        job.run()
    client = server.client()
    return [client("GET", "a"), client("LRANGE", "list", 0, -1), client("GET", "b")]


def expected(count: int) -> object:
    """What the first commands of the log make."""
    a = [None, None, b"1", b"1", b"1", b"1", b"1", b"2", b"2"][count]
    items = [[], [], [], [b"x", b"y"], [b"x", b"y"], [b"x", b"y"], [b"x", b"y"], [b"x", b"y", b"z"], [b"x", b"y", b"z"]]
    return [a, items[count], b"last" if count == len(LOG) else None]


@pytest.mark.parametrize("size", range(len(WHOLE) + 1))
def test_a_log_cut_off_anywhere_loads_up_to_the_last_whole_unit(folder: Path, size: int) -> None:
    path = folder / "appendonly.aof.1.incr.aof"
    path.write_bytes(WHOLE[:size])
    count = max(unit for unit in UNITS if ENDS[unit] <= size)
    assert loaded(InProcessServer()) == expected(count)
    assert path.read_bytes() == WHOLE[: ENDS[count]]


def test_a_log_cut_off_anywhere_is_refused_if_so_configured(folder: Path) -> None:
    path = folder / "appendonly.aof.1.incr.aof"
    for size in range(1, len(WHOLE)):
        path.write_bytes(WHOLE[:size])
        if size in [ENDS[unit] for unit in UNITS]:
            continue
        with pytest.raises(AofLoadError, match="Unexpected end of file"):
            loaded(InProcessServer(aof_load_truncated="no"))
        assert path.read_bytes() == WHOLE[:size]


def test_a_log_cut_off_that_is_not_the_last_is_refused_and_left_alone(folder: Path) -> None:
    lines = [b"file appendonly.aof.%d.incr.aof seq %d type i\n" % (number, number) for number in (1, 2)]
    (folder / "appendonly.aof.manifest").write_bytes(b"".join(lines))
    (folder / "appendonly.aof.1.incr.aof").write_bytes(WHOLE[:-1])
    (folder / "appendonly.aof.2.incr.aof").write_bytes(WHOLE)
    with pytest.raises(AofLoadError, match="the truncated file is not the last file"):
        loaded(InProcessServer())
    assert (folder / "appendonly.aof.1.incr.aof").read_bytes() == WHOLE[:-1]


# Full disks


def limit_files(process: ServerProcess, size: int) -> None:
    """Lets the server's files grow no larger than this, as a full disk would; its children inherit that."""
    resource.prlimit(process.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.fixture
def filled(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[ServerProcess, redis.Redis]]:
    """A server of a policy whose log is 100 KB long."""
    with server(tmp_path, "--appendfsync", request.param).ready() as process, process.client() as client:
        client.set("key", "x" * 100_000)
        yield process, client


def write_until_refused(process: ServerProcess) -> int:
    """Counts up until that is refused; returns the last number that was confirmed."""
    confirmed = 0
    with process.client() as client:
        while True:
            try:
                confirmed = client.incr("count")
            except redis.ConnectionError:
                continue  # not confirmed; the connection is made anew
            except redis.ResponseError as error:
                assert str(error).startswith("MISCONF Errors writing to the AOF file")  # noqa: PT017 - ends the loop
                return confirmed


def can_write(client: redis.Redis) -> bool:
    try:
        return bool(client.set("again", 1))
    except redis.RedisError:
        return False


@pytest.mark.parametrize("filled", ["always", "everysec", "no"], indirect=True)
def test_a_full_disk_refuses_writes_until_there_is_room(
    tmp_path: Path, filled: tuple[ServerProcess, redis.Redis]
) -> None:
    process, client = filled
    limit_files(process, 101_000)
    confirmed = write_until_refused(process)
    assert int(client.get("count") or 0) >= confirmed
    assert client.info("persistence")["aof_last_write_status"] == "err"
    limit_files(process, resource.RLIM_INFINITY)
    wait_until(lambda: can_write(client))
    assert client.info("persistence")["aof_last_write_status"] == "ok"
    wait_until(lambda: client.info("persistence")["aof_buffer_length"] == 0)
    process.process.kill()
    process.wait()
    with server(tmp_path).ready() as again, again.client() as reader:
        assert int(reader.get("count") or 0) >= confirmed
        assert (reader.get("again"), reader.strlen("key")) == (b"1", 100_000)
        assert "Truncating" not in again.log()


@pytest.mark.parametrize("filled", ["everysec", "no"], indirect=True)
def test_a_server_whose_disk_is_full_is_not_shut_down_before_it_has_written_everything(
    tmp_path: Path, filled: tuple[ServerProcess, redis.Redis]
) -> None:
    process, client = filled
    limit_files(process, 101_000)
    write_until_refused(process)
    count = client.get("count")
    with pytest.raises(redis.ResponseError, match="Errors trying to SHUTDOWN"):
        client.execute_command("SHUTDOWN")
    assert "can't exit" in process.wait_for("Error trying to bring the AOF to disk")
    process.signal(signal.SIGTERM)
    process.wait_for("SIGTERM received but the server cannot be shut down")
    limit_files(process, resource.RLIM_INFINITY)
    process.signal(signal.SIGTERM)
    assert process.wait() == 0
    with server(tmp_path).ready() as again, again.client() as reader:
        assert reader.get("count") == count


@pytest.mark.parametrize("option", ["FORCE", "NOSAVE"])
@pytest.mark.parametrize("filled", ["everysec"], indirect=True)
def test_a_server_whose_disk_is_full_is_shut_down_if_that_is_insisted_upon(
    filled: tuple[ServerProcess, redis.Redis], option: str
) -> None:
    process, client = filled
    limit_files(process, 101_000)
    write_until_refused(process)
    with pytest.raises(redis.ConnectionError):
        client.execute_command("SHUTDOWN", option)
    assert process.wait() == 0
    assert "Exit anyway" in process.log().split("Error trying to bring the AOF to disk")[1]


@pytest.mark.parametrize("filled", ["always", "everysec"], indirect=True)
def test_a_server_killed_with_its_disk_full_has_what_was_confirmed(
    tmp_path: Path, filled: tuple[ServerProcess, redis.Redis]
) -> None:
    process, _ = filled
    limit_files(process, 101_000)
    confirmed = write_until_refused(process)
    process.process.kill()
    process.wait()
    with server(tmp_path).ready() as again, again.client() as reader:
        lost = confirmed - int(reader.get("count") or 0)
        assert lost <= (0 if "always" in process.process.args else 1)


@pytest.mark.parametrize("filled", ["everysec"], indirect=True)
def test_a_rewrite_that_finds_the_disk_full_fails_and_leaves_nothing_behind(
    tmp_path: Path, filled: tuple[ServerProcess, redis.Redis]
) -> None:
    process, client = filled
    client.set("incompressible", os.urandom(200_000))
    limit_files(process, 50_000)
    client.bgrewriteaof()
    process.wait_for("Background AOF rewrite terminated with error")
    limit_files(process, resource.RLIM_INFINITY)
    assert client.info("persistence")["aof_last_bgrewrite_status"] == "err"
    wait_until(lambda: not list(tmp_path.glob("temp-*")))
    assert can_write(client)
    process.process.kill()
    process.wait()
    with server(tmp_path).ready() as again, again.client() as reader:
        assert (reader.strlen("key"), reader.strlen("incompressible"), reader.get("again")) == (100_000, 200_000, b"1")


@pytest.mark.parametrize("filled", ["everysec"], indirect=True)
def test_a_manifest_that_cannot_be_renamed_fails_the_rewrite_and_loses_nothing(
    tmp_path: Path, filled: tuple[ServerProcess, redis.Redis]
) -> None:
    process, client = filled
    manifest = tmp_path / "appendonlydir" / "appendonly.aof.manifest"
    text = manifest.read_bytes()
    manifest.unlink()
    manifest.mkdir()
    with pytest.raises(redis.ResponseError, match="Can't execute an AOF background rewriting"):
        client.bgrewriteaof()
    process.wait_for("Error trying to rename the temporary AOF manifest file")
    client.set("meanwhile", 1)
    manifest.rmdir()
    manifest.write_bytes(text)
    client.bgrewriteaof()
    process.wait_for("Background AOF rewrite finished successfully")
    process.process.kill()
    process.wait()
    with server(tmp_path).ready() as again, again.client() as reader:
        assert (reader.strlen("key"), reader.get("meanwhile")) == (100_000, b"1")
