"""CONFIG GET and CONFIG SET: the same requests to ours and to a real server, and what no single request shows."""

import pytest
from config_harness import RealServer, StandStill

from hognose.config.store import Config, is_allowed
from hognose.errors import CommandError

REQUESTS = [
    ["maxmemory", "10000001"],
    ["maxmemory", "100mb", "maxmemory-policy", "ALLKEYS-lru"],
    ["maxmemory", "1", "maxmemory-clients", "200%", "client-query-buffer-limit", "invalid"],
    ["maxmemory", "1", "maxmemory", "2"],
    ["MaxMemory", "1", "maxMEMORY", "2"],
    ["slave-read-only", "no", "replica-read-only", "yes"],
    ["replica-read-only", "yes", "slave-read-only", "no"],
    ["Slave-Read-Only", "maybe"],
    ["daemonize", "yes"],
    ["Daemonize", "yes", "nope", "1"],
    ["nope", "1", "daemonize", "yes"],
    ["Nope", "1"],
    ["slaveof", "a 1"],
    ["maxmemory-clients", "10%"],
    ["maxmemory-clients", "10"],
    ["maxmemory-clients", "-1"],
    ["save", "60 1"],
    ["save", "60  1"],
    ["save", "60 1 "],
    ["save", "60 1 70"],
    ["save", "3000 5 60 1"],
    ["save", ""],
    ["shutdown-on-sigint", "nosave force now"],
    ["shutdown-on-sigint", "save nosave"],
    ["shutdown-on-sigint", "default save"],
    ["shutdown-on-sigint", ""],
    ["client-output-buffer-limit", "normal 1kb 2mb 3"],
    ["client-output-buffer-limit", "replica 1 2 3 pubsub 4 5 6 normal 0 0 0"],
    ["client-output-buffer-limit", ""],
    ["client-output-buffer-limit", "pubsub 1 2"],
    ["notify-keyspace-events", "KEA"],
    ["notify-keyspace-events", "AnKE"],
    ["notify-keyspace-events", "n"],
    ["notify-keyspace-events", "mxeg$"],
    ["notify-keyspace-events", "g$lshzxet"],
    ["notify-keyspace-events", "g$lshzxetd"],
    ["notify-keyspace-events", "?"],
    ["notify-keyspace-events", ""],
    ["latency-tracking-info-percentiles", "50 99.9 100 0.001"],
    ["latency-tracking-info-percentiles", "1e1 0x10 .5"],
    ["latency-tracking-info-percentiles", "101"],
    ["latency-tracking-info-percentiles", ""],
    ["hz", "0"],
    ["hz", "501"],
    ["hz", "20"],
    ["oom-score-adj-values", "1 2"],
    ["oom-score-adj-values", "1 1 1"],
    ["loglevel", "Warning"],
    ["lua-time-limit", "77"],
    ["busy-reply-threshold", "-1"],
    ["hash-max-ziplist-value", "1k"],
    ["list-max-ziplist-size", "-5"],
    ["maxclients", "100"],
    ["maxclients", "4294967296"],
    ["requirepass", ""],
    ["masterauth", "s\xe9cret"],
    ["cluster-announce-ip", "1.2.3.4"],
    ["dbfilename", "a/b"],
    ["dbfilename", "x.rdb"],
    ["dir", "/no/such/directory"],
    ["dir", "/"],
    ["appendfilename", "x"],
    ["maxmemory", "1", "dir", "/no/such/directory"],
    ["replica-announce-port", "65536"],
    ["proc-title-template", "{nope}"],
    ["rdb-key-save-delay", "-5"],
    ["watchdog-period", "x"],
    ["propagation-error-behavior", "panic"],
    ["repl-backlog-size", "10000002"],
    ["port", "x"],
]


def ours(config: Config, request: list[str]) -> str:
    pairs = [(name.encode(), value.encode()) for name, value in zip(request[::2], request[1::2], strict=True)]
    try:
        config.set_many(pairs)
    except CommandError as refused:
        return str(refused)
    return "OK"


@pytest.mark.server
@pytest.mark.parametrize("request_", REQUESTS, ids=" ".join)
def test_a_change_is_made_or_refused_like_by_the_real_server(real_server: RealServer, request_: list[str]) -> None:
    config = Config(StandStill())
    config.settings.enable_protected_configs = "yes"
    names = ["maxmemory", "replica-read-only", "save", *[name for name in request_[::2] if name.lower() != "nope"]]
    for name in names:  # start both from the same values
        ((_, value),) = real_server.get(name)
        if config.get(name.encode()) != value:
            config.set_many([(name.encode(), value)])
    real = real_server.set(*request_)
    if "loglevel" in request_[0]:
        real = real.replace("notice, warning", "notice, warning, nothing")
    assert ours(config, request_) == real
    for name in names:
        assert config.matching([name.encode()]) == real_server.get(name)


PATTERNS = [
    ["maxmemory"],
    ["MAXMEMORY"],
    ["MAXMEMORY", "maxmemory"],
    ["maxmemory*"],
    ["MaxMemory*", "maxmemory"],
    ["slave-read-only", "replica-read-only"],
    ["*of"],
    ["slave*"],
    ["*ziplist*"],
    ["key-load-delay"],
    ["key-load*"],
    ["KEY-LOAD-DELAY"],
    ["nothing-like-it"],
    ["lfu-[dl]*", "lfu-log-facto?"],
    ["lfu-log-facto\\r"],
    [""],
    ["save", "save", "s[a]ve"],
]


@pytest.mark.server
@pytest.mark.parametrize("patterns", PATTERNS, ids=" ".join)
def test_names_and_patterns_find_what_they_find_in_the_real_server(
    real_server: RealServer, config: Config, patterns: list[str]
) -> None:
    found = config.matching([pattern.encode() for pattern in patterns])
    assert sorted(name for name, _ in found) == sorted(name for name, _ in real_server.get(*patterns))


class Recorder:
    """An applier that notes the settings it sees and refuses when told to."""

    def __init__(self, config: Config, refusal: str = "") -> None:
        self.config = config
        self.refusal = refusal
        self.seen: list[tuple[int, int]] = []

    def apply(self) -> str:
        self.seen.append((self.config.settings.port, self.config.settings.maxmemory))
        return self.refusal if self.config.settings.port == 1 else ""


def test_an_applier_is_called_once_with_all_values_in_force(config: Config) -> None:
    recorder = Recorder(config)
    config.on_change("port", recorder.apply)
    config.on_change("maxmemory", recorder.apply)
    config.set_many([(b"port", b"7"), (b"maxmemory", b"8")])
    assert recorder.seen == [(7, 8)]


def test_an_applier_is_not_called_when_nothing_changed(config: Config) -> None:
    recorder = Recorder(config)
    config.on_change("port", recorder.apply)
    config.set_many([(b"port", b"6379")])
    assert recorder.seen == []


def test_an_applier_is_called_for_a_file_whose_name_did_not_change(config: Config) -> None:
    recorder = Recorder(config)
    config.on_change("tls-cert-file", recorder.apply)
    config.set_many([(b"tls-cert-file", b"a.pem")])
    config.set_many([(b"tls-cert-file", b"a.pem")])
    assert len(recorder.seen) == 2


def test_an_applier_registered_by_the_current_name_serves_the_old_one(config: Config) -> None:
    recorder = Recorder(config)
    config.on_change("min-replicas-to-write", recorder.apply)
    config.set_many([(b"min-slaves-to-write", b"1")])
    assert len(recorder.seen) == 1


def test_a_refusing_applier_undoes_everything_and_all_appliers_see_the_old_values(config: Config) -> None:
    refusing, bystander = Recorder(config, "Unable to listen on this port. Check server logs."), Recorder(config)
    config.on_change("maxmemory", bystander.apply)
    config.on_change("port", refusing.apply)
    with pytest.raises(CommandError) as refused:
        config.set_many([(b"maxmemory", b"5"), (b"PORT", b"1"), (b"timeout", b"9")])
    assert refused.value.text == (
        "ERR CONFIG SET failed (possibly related to argument 'port') - "
        "Unable to listen on this port. Check server logs."
    )
    assert bystander.seen == [(1, 5), (6379, 0)]
    assert refusing.seen == [(1, 5), (6379, 0)]
    assert config.settings.timeout == 0


def test_protected_directives_need_permission(config: Config) -> None:
    with pytest.raises(CommandError, match=r"argument 'DIR'\) - can't set protected config"):
        config.set_many([(b"DIR", b"/")])
    config.settings.enable_protected_configs = "local"
    config.set_many([(b"dir", b"/")], is_local=True)
    with pytest.raises(CommandError, match="can't set protected config"):
        config.set_many([(b"dir", b"/")], is_local=False)


def test_some_directives_wait_until_loading_is_done(config: Config) -> None:
    config.set_many([(b"loglevel", b"debug")], is_loading=True)
    with pytest.raises(CommandError, match=r"^LOADING Redis is loading"):
        config.set_many([(b"loglevel", b"notice"), (b"appendonly", b"yes")], is_loading=True)
    assert config.settings.loglevel == "debug"


def test_the_directory_goes_back_when_a_later_value_is_refused(tmp_path, config: Config) -> None:
    config.settings.enable_protected_configs = "yes"
    with pytest.raises(CommandError):
        config.set_many([(b"dir", str(tmp_path).encode()), (b"port", b"x")])
    assert config.settings.dir == "/"


def test_a_directory_that_has_vanished_is_not_gone_back_to(tmp_path, config: Config) -> None:
    config.settings.enable_protected_configs = "yes"
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    config.set_many([(b"dir", str(old).encode())])
    old.rmdir()
    with pytest.raises(CommandError, match="argument 'port'"):
        config.set_many([(b"dir", str(new).encode()), (b"port", b"x")])
    assert config.settings.dir == str(new)


def test_the_process_enters_the_directory(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    config = Config()
    assert config.settings.dir == "/"
    config.settings.enable_protected_configs = "yes"
    config.set_many([(b"dir", str(tmp_path).encode())])
    assert config.settings.dir == str(tmp_path.resolve())
    config.set_many([(b"dir", b"..")])
    assert config.settings.dir == str(tmp_path.resolve().parent)


def test_defragmentation_cannot_be_turned_on(config: Config) -> None:
    with pytest.raises(CommandError, match="Active defragmentation cannot be enabled"):
        config.set_many([(b"activedefrag", b"yes")])
    config.set_many([(b"activedefrag", b"no")])


@pytest.mark.parametrize("value", ["8", "13", "81", "x", ""])
def test_only_dump_versions_that_exist_can_be_asked_for(config: Config, value: str) -> None:
    with pytest.raises(CommandError, match="must be one of the following: 9, 10, 11, 12, 80"):
        config.set_many([(b"rdb-version", value.encode())])
    config.set_many([(b"rdb-version", b"80")])
    assert config.settings.rdb_version == 80


def test_bytes_that_are_no_text_survive(config: Config) -> None:
    config.set_many([(b"requirepass", b"\xff\x00"), (b"cluster-announce-ip", b"\xff")])
    assert config.settings.requirepass == b"\xff\x00"
    assert config.get(b"requirepass") == b"\xff\x00"
    assert config.get(b"cluster-announce-ip") == b"\xff"


def test_secrets_are_known_before_they_are_set(config: Config) -> None:
    assert config.is_sensitive(b"RequirePass")
    assert not config.is_sensitive(b"port")
    assert not config.is_sensitive(b"nope")


@pytest.mark.parametrize(
    ("mode", "is_local", "allowed"),
    [("no", True, False), ("yes", False, True), ("local", True, True), ("local", False, False)],
)
def test_who_is_allowed(mode: str, is_local: bool, allowed: bool) -> None:
    assert is_allowed(mode, is_local) is allowed
