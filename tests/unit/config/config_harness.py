"""A real redis-server to compare with, and short ways to configure ours the way it is configured."""

import socket
import subprocess
from pathlib import Path

import redis

from hognose.config.grammar import parse_command_line
from hognose.config.loader import StartupChecks, load
from hognose.config.store import Config, WorkingDirectory


class RealServer:
    """A running redis-server with its own directory and configuration file."""

    def __init__(self, directory: Path, lines: str, password: bytes = b"") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.file = directory / "redis.conf"
        self.text = f"port {self.port}\nbind 127.0.0.1\ndir {directory}\n{lines}"
        self.file.write_text(self.text)
        self.process = subprocess.Popen(
            ["redis-server", str(self.file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=directory
        )
        self._wait_until_ready()
        self.client: redis.Redis = redis.Redis("127.0.0.1", self.port, password=password or None, protocol=2)

    def _wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        log = []
        for line in self.process.stdout:
            log.append(line)
            if b"Ready to accept connections" in line:
                return
        raise AssertionError(b"".join(log).decode())

    def get(self, *patterns: str) -> list[tuple[bytes, bytes]]:
        """CONFIG GET."""
        reply = self._send("GET", *patterns)
        assert isinstance(reply, list)
        return list(zip(reply[::2], reply[1::2], strict=True))

    def set(self, *words: str | bytes) -> str:
        """CONFIG SET: `OK` or the error."""
        return self.order("SET", *words)

    def order(self, *words: str | bytes) -> str:
        """A CONFIG subcommand that does something: `OK` or the error."""
        try:
            reply = self._send(*words)
        except redis.ResponseError as error:
            return f"ERR {error}"
        assert isinstance(reply, bytes)
        return reply.decode()

    def _send(self, *words: str | bytes) -> object:
        connection = self.client.connection_pool.get_connection()
        try:
            connection.send_command("CONFIG", *words)
            return connection.read_response()
        finally:
            self.client.connection_pool.release(connection)

    def stop(self) -> None:
        """Ends the process and waits for it."""
        self.client.close()
        self.process.kill()
        self.process.communicate()


class StandStill(WorkingDirectory):
    """A working directory that is never entered in earnest, so that tests do not move the test process."""

    def __init__(self, path: str = "/") -> None:
        self._path = path

    def current(self) -> str:
        """Where `enter` was last asked to go."""
        return self._path

    def enter(self, path: str) -> None:
        """Goes there in name only, if it exists."""
        target = Path(self._path, path)
        if not target.is_dir():
            raise FileNotFoundError(2, "No such file or directory")
        self._path = str(target.resolve())


def loaded(text: str | bytes, checks: StartupChecks | None = None) -> Config:
    """A configuration that has read a text as if from standard input."""
    config = Config(StandStill())
    load(config, stdin=text.encode() if isinstance(text, str) else text, checks=checks)
    return config


def started_with(*argv: str) -> Config:
    """A configuration that has read a command line."""
    line = parse_command_line(list(argv))
    config = Config(StandStill())
    load(config, line.path, options=line.options)
    return config


def real_refusal(argv: list[str], stdin: str = "") -> str:
    """What redis-server prints on stderr for a configuration that it refuses."""
    done = subprocess.run(["redis-server", *argv], input=stdin, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr or done.stdout
