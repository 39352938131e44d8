"""The same configuration given to ours and to redis-server at start: both take it, or both refuse it in the same words.

redis-server is never left running: after each line that might be accepted stands one that cannot be.
"""

import pytest
from config_harness import loaded, real_refusal, started_with

from hognose.config.errors import ConfigError

pytestmark = pytest.mark.server

END = "no-such-directive x"

# Lines both know; those only 7.2 knows are in test_config_table.
LINES = [
    "port 6380",
    "port",
    "port 1 2",
    "PORT 70000",
    "port -1",
    "port 01",
    "port +1",
    "port 1.0",
    "port ''",
    'port " 1"',
    "port 99999999999999999999",
    "port 1 # comment",
    'port "1',
    "port '1'x",
    "port \\x31",
    'port "\\x31"',
    "daemonize maybe",
    "daemonize YES",
    "daemonize ''",
    "appendonly",
    "activedefrag maybe",
    "activedefrag no",
    "maxmemory 1gb",
    "maxmemory 1Gb",
    "maxmemory 1tb",
    "maxmemory -1",
    "maxmemory ''",
    "maxmemory mb",
    "maxmemory 1 mb",
    "maxmemory 18446744073709551615",
    "maxmemory 18446744073709551616",
    "maxmemory 9gbb",
    "maxmemory 1%",
    "maxmemory-clients 5%",
    "maxmemory-clients 100%",
    "maxmemory-clients 101%",
    "maxmemory-clients 99999999999999999999%",
    "maxmemory-clients -5%",
    "maxmemory-clients %",
    "maxmemory-clients x",
    "maxmemory-clients 1mb",
    "maxmemory-clients 18446744073709551516",
    "maxmemory-clients 18446744073709551515",
    "proto-max-bulk-len 1mb",
    "proto-max-bulk-len 1",
    "proto-max-bulk-len 18446744073709551615",
    "repl-backlog-size 0",
    "client-query-buffer-limit 100",
    "hash-max-ziplist-entries -1",
    "hash-max-listpack-value 18446744073709551615",
    "list-max-ziplist-size -5",
    "list-max-listpack-size -2147483649",
    "maxclients 0",
    "maxclients 4294967296",
    "maxclients -1",
    "databases 0",
    "hz 0",
    "hz 100000",
    "hz -1",
    "slowlog-log-slower-than -1",
    "slowlog-log-slower-than -2",
    "slowlog-max-len -1",
    "active-expire-effort 11",
    "active-defrag-cycle-min 0",
    "active-defrag-max-scan-fields 0",
    "active-defrag-ignore-bytes 0",
    "maxmemory-eviction-tenacity 101",
    "unixsocketperm 700",
    "unixsocketperm 777",
    "unixsocketperm 778",
    "unixsocketperm -1",
    "unixsocketperm ''",
    "unixsocketperm ' 7'",
    "unixsocketperm x",
    "loglevel loud",
    "loglevel DEBUG",
    "loglevel ''",
    "loglevel debug notice",
    "maxmemory-policy lru",
    "supervised x",
    "syslog-facility x",
    "appendfsync sometimes",
    "repl-diskless-load x",
    "tls-auth-clients x",
    "oom-score-adj x",
    "oom-score-adj relative",
    "acl-pubsub-default x",
    "sanitize-dump-payload x",
    "enable-debug-command x",
    "cluster-preferred-endpoint-type x",
    "propagation-error-behavior x",
    "shutdown-on-sigint",
    "shutdown-on-sigint save nosave",
    "shutdown-on-sigint nosave now force",
    "shutdown-on-sigterm 'nosave now'",
    "shutdown-on-sigterm ''",
    "shutdown-on-sigterm soon",
    "dbfilename a/b",
    "dbfilename a\\b",
    "dbfilename ''",
    "appendfilename ''",
    "appendfilename a/b",
    "appenddirname ''",
    "appenddirname a/b",
    "cluster-announce-hostname a_b",
    "cluster-announce-hostname a-b.c",
    "cluster-announce-hostname ''",
    "cluster-announce-hostname " + "a" * 255,
    "cluster-announce-hostname " + "a" * 256,
    "proc-title-template {nope}",
    "proc-title-template {title",
    "proc-title-template {title}",
    "proc-title-template {{",
    "proc-title-template {",
    "proc-title-template ''",
    "proc-title-template x{title}",
    "proc-title-template {port}",
    "save",
    "save ''",
    "save 1",
    "save 1 2 3",
    "save 0 1",
    "save 1 -1",
    "save 1 0",
    "save '1 2'",
    "save '1 2 3 4'",
    "save '1  2'",
    "save 1x 2",
    "save ' 1' 2",
    "save +1 2",
    "save 1 ''",
    "bind",
    "bind ''",
    "bind 127.0.0.1 -::1",
    "bind " + " ".join(["1.1.1.1"] * 16),
    "bind " + " ".join(["1.1.1.1"] * 17),
    "client-output-buffer-limit normal 0 0",
    "client-output-buffer-limit normal 0 0 0",
    "client-output-buffer-limit master 0 0 0",
    "client-output-buffer-limit foo 0 0 0",
    "client-output-buffer-limit REPLICA 1mb 1k 60",
    "client-output-buffer-limit normal x 0 0",
    "client-output-buffer-limit normal 0 -1 0",
    "client-output-buffer-limit normal 0 0 -1",
    "client-output-buffer-limit normal 0 0 x",
    "client-output-buffer-limit normal 0 0 0 pubsub 1 2 3",
    "client-output-buffer-limit",
    "oom-score-adj-values 1 2",
    "oom-score-adj-values 0 2001 3",
    "oom-score-adj-values 0 x 3",
    "oom-score-adj-values -2000 2000 0",
    "notify-keyspace-events KEA",
    "notify-keyspace-events Q",
    "notify-keyspace-events ''",
    "notify-keyspace-events A B",
    "replicaof 127.0.0.1 6379",
    "slaveof 127.0.0.1 x",
    "replicaof a",
    "replicaof a 65536",
    "replicaof a -1",
    "replicaof NO ONE",
    "latency-tracking-info-percentiles 50 99.9",
    "latency-tracking-info-percentiles ''",
    "latency-tracking-info-percentiles",
    "latency-tracking-info-percentiles 101",
    "latency-tracking-info-percentiles -1",
    "latency-tracking-info-percentiles x",
    "latency-tracking-info-percentiles inf",
    "latency-tracking-info-percentiles nan",
    "latency-tracking-info-percentiles 1_0",
    "latency-tracking-info-percentiles 0x10",
    "latency-tracking-info-percentiles 1e1 .5 5.",
    "latency-tracking-info-percentiles ' 5'",
    "latency-tracking-info-percentiles 1e400",
    "dir /no/such/directory",
    "dir /",
    "dir",
    "dir / /",
    "list-max-ziplist-entries 512",
    "list-max-ziplist-entries 512 3",
    "lua-replicate-commands yes",
    "lua-time-limit 100",
    "include",
    "include a b",
    "include /no/such/pattern*",
    "rename-command flushall",
    "rename-command flushall ''",
    "user",
    "loadmodule",
    "loadmodule /x y",
    "module.setting",
    "module.setting 1",
    "sentinel",
    "sentinel monitor x",
    "foo",
    "foo bar",
    "'port' 1",
    "\x0b",
]


def our_refusal(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        loaded(text)
    return str(refused.value)


def as_7_2(message: str) -> str:
    """What redis-server 7.0 said, with the version and the one word 7.2 added."""
    message = message.replace("(Redis 7.0.15)", "(Redis 7.2.4)").strip("\n")
    return message.removesuffix("notice, warning") + "notice, warning, nothing" * message.endswith("notice, warning")


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_taken_or_refused_in_the_same_words(line: str) -> None:
    text = f"# first\n{line}\n{END}\n"
    assert our_refusal(text) == as_7_2(real_refusal(["-"], text))


@pytest.mark.parametrize(
    "argv",
    [
        ["--invalid"],
        ["--port"],
        ["--port", "6380", "--loglevel"],
        ["--port", "6379", "6380"],
        ["--port", "--loglevel", "verbose"],
        ["--port", "--bla", "--loglevel", "verbose"],
        ["--logfile", "--my--log--file", "--loglevel", "--bla"],
        ["--shutdown-on-sigint"],
        ["--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"],
        ["--replicaof", "127.0.0.1", "abc"],
        ["--replicaof", "--127.0.0.1", "abc"],
        ["--replicaof", "--127.0.0.1", "--abc"],
        ["--save", "--port", "x"],
        ["--save", "1", "--port", "x"],
        ["--port", "1", "--save", "--bad"],
        ["--port 1", "--port x"],
        ["--port 'a"],
        ["-x"],
        ["--port", ""],
        ["--port", "a\nb"],
        ["--cluster-enabled", "yes", "--replicaof", "127.0.0.1", "1"],
        ["--logfile", "/no/such/directory/log"],
    ],
)
def test_a_command_line_is_refused_in_the_same_words(argv: list[str]) -> None:
    argv = ["--port", "0", *argv]  # should redis-server start after all, it opens no port
    with pytest.raises(ConfigError) as refused:
        started_with(*argv)
    assert str(refused.value) == as_7_2(real_refusal(argv))


def test_an_included_file_counts_its_own_lines(tmp_path) -> None:
    (tmp_path / "a.conf").write_text("port 1\nport 2\n")
    (tmp_path / "b.conf").write_text("port 3\nport x\n")
    main = tmp_path / "main.conf"
    main.write_text(f"\n\ninclude {tmp_path}/[ab].conf\n")
    with pytest.raises(ConfigError) as refused:
        started_with(str(main))
    assert str(refused.value) == as_7_2(real_refusal([str(main)]))


def test_a_missing_file_is_named_with_the_reason(tmp_path) -> None:
    missing = str(tmp_path / "missing.conf")
    with pytest.raises(ConfigError) as refused:
        started_with(missing)
    said = f"Fatal error, can't open config file '{missing}': No such file or directory"
    assert said in str(refused.value)
    assert said in real_refusal([missing])
