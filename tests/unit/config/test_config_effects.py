"""Settings that do nothing here are named, with their reason."""

from hognose.config.directives import DIRECTIVES
from hognose.config.directives.record import NO_MEANING
from hognose.config.effects import settings_without_effect
from hognose.config.store import Config


def test_a_directive_without_effect_is_named_with_its_reason() -> None:
    config = Config()
    config.settings.io_threads = 4
    (line,) = settings_without_effect(config)
    assert line == "io-threads 4 has no effect here. Threads for network I/O. Here one event loop does it all."


def test_defaults_and_directives_that_work_are_passed_over() -> None:
    config = Config()
    assert settings_without_effect(config) == []
    config.set_many([(b"maxmemory", b"1gb"), (b"tls-port", b"6380")])
    assert settings_without_effect(config) == []


def test_every_directive_without_effect_says_more_than_that() -> None:
    for directive in DIRECTIVES:
        if directive.has(NO_MEANING):
            assert len(directive.summary) > 20, directive.name
