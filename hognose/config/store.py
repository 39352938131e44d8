"""The configuration in force: typed values, CONFIG GET and CONFIG SET.

The values themselves live in `Settings`, where the rest of the server reads them as plain attributes; `Config` adds
names, texts and changes. CONFIG SET changes all or nothing, in three steps:

    look up      every name is known, allowed now, and not given twice
    assign       every value is parsed and put into `Settings`
    apply        whoever registered with `on_change` acts on it: rebinds the port, resizes the backlog, and may refuse

A refusal in a later step puts the old values back; after a refused apply the appliers run once more on the old values.

Not here: files (`loader`, `rewrite`), and what directives do.
"""

import os
from collections.abc import Callable
from typing import Final

from mypy_extensions import mypyc_attr

from hognose import errors
from hognose.config.directives import BY_NAME, find
from hognose.config.directives.record import (
    DENY_LOADING,
    HIDDEN,
    IMMUTABLE,
    MULTI_ARG,
    PROTECTED,
    SENSITIVE,
    VOLATILE,
    Directive,
)
from hognose.config.errors import ValueRefused, set_failed, unknown_option
from hognose.config.kinds import decode, encode
from hognose.config.settings import Settings
from hognose.datastructures.glob import glob_match

Applier = Callable[[], str]
"""Acts on changed settings; returns why it cannot, or the empty string."""


@mypyc_attr(allow_interpreted_subclasses=True)
class WorkingDirectory:
    """The directory that relative paths start from: the process' own.

    Subclass it where several servers live in one process and none may move the others.
    """

    def current(self) -> str:
        """The absolute path of the directory."""
        return os.getcwd()  # noqa: PTH109 - the path is a value of the configuration, a string

    def enter(self, path: str) -> None:
        """Moves there.

        Raises:
            OSError: It does not exist, or is closed to this user.
        """
        os.chdir(path)


class _Change:
    """One directive of a CONFIG SET, with what is needed to undo it."""

    def __init__(self, shown_name: str, directive: Directive, text: bytes, old_value: object) -> None:
        self.shown_name: Final = shown_name
        self.directive: Final = directive
        self.text: Final = text
        self.old_value: Final = old_value


class Config:
    """All directives of one server.

    Attributes:
        settings: The typed values, one attribute per directive.
        path: Absolute path of the configuration file; empty where there is none.
        users: The `user` lines of the configuration: each the name and the rules behind it.
        modules: The `loadmodule` lines: each the path and its arguments.
        module_settings: Values of directives with a dot in their name, which belong to modules.
        sentinel_lines: The `sentinel` lines: each the words behind it.
    """

    def __init__(self, working_directory: WorkingDirectory | None = None) -> None:
        self.settings: Final = Settings()
        self.path = ""
        self.users: Final[list[list[bytes]]] = []
        self.modules: Final[list[list[bytes]]] = []
        self.module_settings: Final[dict[bytes, bytes]] = {}
        self.sentinel_lines: Final[list[list[bytes]]] = []
        self._working_directory: Final = working_directory or WorkingDirectory()
        self._appliers: Final[dict[str, Applier]] = {}
        self.settings.dir = self._working_directory.current()

    def value(self, directive: Directive) -> object:
        """The typed value in force."""
        return getattr(self.settings, directive.field)

    def get(self, name: bytes) -> bytes | None:
        """The value of one directive as CONFIG GET shows it; None where there is no such directive."""
        directive = find(name)
        return None if directive is None else directive.kind.show(self.value(directive))

    def matching(self, patterns: list[bytes]) -> list[tuple[bytes, bytes]]:
        """What CONFIG GET replies.

        Args:
            patterns: Names or glob patterns. A name is returned as it was asked for, old names included; a pattern
                matches old names too, but no hidden directive.

        Returns:
            Names and values, each name once.

        Complexity:
            O(patterns * directives) pattern matches.
        """
        found: dict[bytes, tuple[bytes, bytes]] = {}
        for pattern in patterns:
            if any(mark in pattern for mark in (b"[", b"*", b"?")):
                self._add_matches(pattern, found)
                continue
            value = self.get(pattern)
            if value is not None:
                found.setdefault(pattern.lower(), (pattern, value))
        return list(found.values())

    def _add_matches(self, pattern: bytes, found: dict[bytes, tuple[bytes, bytes]]) -> None:
        for name, directive in BY_NAME.items():
            shown = encode(name)
            if not directive.has(HIDDEN) and shown not in found and glob_match(pattern, shown, True):
                found[shown] = (shown, directive.kind.show(self.value(directive)))

    def is_sensitive(self, name: bytes) -> bool:
        """Whether the value given for this name must not be logged; asked before `set_many`, whatever becomes of it."""
        directive = find(name)
        return directive is not None and directive.has(SENSITIVE)

    def on_change(self, name: str, applier: Applier) -> None:
        """Registers who acts on a directive.

        Args:
            name: The directive's current name.
            applier: Called after CONFIG SET has changed the value, once per CONFIG SET however many of the directives
                it is registered for have changed. A text it returns refuses the change; it is then called again with
                the old values in force.
        """
        assert BY_NAME[name].name == name
        self._appliers[name] = applier

    def assign(self, directive: Directive, args: list[bytes]) -> None:
        """Parses a value and puts it in force, without calling an applier.

        Raises:
            ValueRefused: The arguments break a rule; nothing has changed.
        """
        self._put(directive, directive.kind.parse(args, self.value(directive)))

    def _put(self, directive: Directive, value: object) -> None:
        if directive.field == "dir":
            assert isinstance(value, str)
            try:
                self._working_directory.enter(value)
            except OSError as error:
                raise ValueRefused(error.strerror or str(error)) from error
            value = self._working_directory.current()
        setattr(self.settings, directive.field, value)

    def set_many(self, pairs: list[tuple[bytes, bytes]], is_local: bool = True, is_loading: bool = False) -> None:
        """CONFIG SET.

        Args:
            pairs: Names and new values.
            is_local: Whether the client is on this machine, which may be what protected directives need.
            is_loading: Whether the dataset is being loaded.

        Raises:
            CommandError: The change is refused; everything is as it was.
        """
        changes = self._look_up(pairs, is_local, is_loading)
        for index, change in enumerate(changes):
            try:
                self.assign(change.directive, _set_args(change))
            except ValueRefused as refused:
                self._restore(changes[:index])
                raise set_failed(change.shown_name, refused.reason) from refused
        self._apply(changes)

    def _look_up(self, pairs: list[tuple[bytes, bytes]], is_local: bool, is_loading: bool) -> list[_Change]:
        changes: list[_Change] = []
        names: set[str] = set()
        for name, text in pairs:
            directive = find(name)
            asked = decode(name)
            if directive is None:
                raise unknown_option(asked)
            if directive.has(IMMUTABLE):
                raise set_failed(asked, "can't set immutable config")
            if directive.has(PROTECTED) and not is_allowed(self.settings.enable_protected_configs, is_local):
                raise set_failed(asked, "can't set protected config")
            if directive.has(DENY_LOADING) and is_loading:
                raise errors.CommandError(errors.LOADING)
            if asked.lower() in names:
                raise set_failed(asked, "duplicate parameter")
            names.add(asked.lower())
            changes.append(_Change(asked.lower(), directive, text, self.value(directive)))
        return changes

    def _apply(self, changes: list[_Change]) -> None:
        appliers: list[tuple[Applier, _Change]] = []
        for change in changes:
            applier = self._appliers.get(change.directive.name)
            unchanged = self.value(change.directive) == change.old_value and not change.directive.has(VOLATILE)
            if applier is None or unchanged or any(known == applier for known, _ in appliers):
                continue
            appliers.append((applier, change))
        for applier, change in appliers:
            reason = applier()
            if reason:
                self._restore(changes)
                for undo, _ in appliers:
                    undo()
                raise set_failed(change.shown_name, reason)

    def _restore(self, changes: list[_Change]) -> None:
        for change in reversed(changes):
            try:
                self._put(change.directive, change.old_value)
            except ValueRefused:
                # Only `dir` can be refused: the old directory is gone. The server stays in the new one and says so.
                self.settings.dir = self._working_directory.current()


def is_allowed(mode: str, is_local: bool) -> bool:
    """Whether one of the enable-* directives lets a client through.

    Args:
        mode: The directive's value: no, yes or local.
        is_local: Whether the client is on this machine.
    """
    return mode == "yes" or (mode == "local" and is_local)


def _set_args(change: _Change) -> list[bytes]:
    """The arguments in a value of CONFIG SET: words between single spaces where the directive takes several."""
    if not change.directive.has(MULTI_ARG):
        return [change.text]
    return change.text.split(b" ") if change.text else []
