"""Access control of one server: its users, who its clients are, and the answer to "may this client do that".

Clients whose user may do everything carry no mark, and nothing of this module runs for them. All others have RESTRICTED
in their `attention`, so that the dispatcher asks here before it runs or queues a command. The mark is renewed for every
client when users change, which is rare.
"""

from typing import Final

from hognose import errors
from hognose.acl.file import AclFileError, AclFileReader, write_acl_file
from hognose.acl.index import CommandIndex
from hognose.acl.log import AclLog
from hognose.acl.permission import AUTH, CHANNEL, COMMAND, KEY, Denial, denial, may_read_every_key
from hognose.acl.rules import RuleError, UnmatchedParenthesisError, has_blanks, merge_selectors, up_to_nul
from hognose.acl.user import DEFAULT_USER, User, default_user, user_name, user_name_bytes
from hognose.commands.client_text import PUBSUB_CLIENT, client_line, type_of
from hognose.commands.context import (
    CLOSE_AFTER_REPLY,
    DENY_BLOCKING,
    IN_MULTI,
    PRIMARY,
    RESTRICTED,
    Context,
)
from hognose.commands.host import NOTICE, WARNING, Host
from hognose.commands.table import Command
from hognose.errors import CommandError, printable

BLANKS_IN_NAME: Final = "ERR Usernames can't contain spaces or null characters"
SAVE_FAILED: Final = "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
FILE_AND_USERS: Final = (
    "An ACL file and users in the configuration exclude each other: keep the users in one of the two places"
)

_WHY_AT_EXEC: Final[dict[int, str]] = {
    COMMAND: "no permission to execute the command or subcommand",
    KEY: "no permission to touch the specified keys",
    CHANNEL: "no permission to access one of the channels used as arguments",
}


class AccessControl:
    """The users of a server.

    Args:
        host: The server.
        index: Its commands.

    Attributes:
        users: By name; there is always the default user.
        log: What was refused lately.
        denied: How often something was refused, by the reasons of `permission`.
    """

    def __init__(self, host: Host, index: CommandIndex) -> None:
        self.host: Final = host
        self.index: Final = index
        self.log: Final = AclLog()
        self.denied: Final[dict[int, int]] = {}
        self.reset_statistics()
        self._apply_channel_default()
        host.config.on_change("acl-pubsub-default", self._apply_channel_default)
        self.users: dict[str, User] = {DEFAULT_USER: default_user(index)}
        self.set_default_password(host.settings.requirepass)

    def reset_statistics(self) -> None:
        """Counts refusals from 0 again."""
        for reason in (COMMAND, KEY, AUTH, CHANNEL):
            self.denied[reason] = 0

    def _apply_channel_default(self) -> str:
        """Applier of `acl-pubsub-default`."""
        self.index.all_channels = self.host.settings.acl_pubsub_default == "allchannels"
        return ""

    def sorted_users(self) -> list[User]:
        """All users in the order of their names' bytes. O(n log n)."""
        return [self.users[name] for name in sorted(self.users, key=user_name_bytes)]

    def user_of(self, ctx: Context) -> User:
        """The user a client is; the default one if its own is gone."""
        user = self.users.get(ctx.user)
        return self.users[DEFAULT_USER] if user is None else user

    # Who clients are

    def has_password(self) -> bool:
        """Whether the default user takes certain passwords only."""
        return not self.users[DEFAULT_USER].without_password

    def must_log_in(self) -> bool:
        """Whether a new client has to log in before anything else."""
        user = self.users[DEFAULT_USER]
        return not user.without_password or not user.enabled

    def start_as_default(self, ctx: Context) -> None:
        """Makes a client the default user, logged in if that takes no password."""
        ctx.user = DEFAULT_USER
        ctx.set_authenticated(not self.must_log_in())
        self._mark(ctx)

    def authenticate(self, ctx: Context, name: bytes, password: bytes, word: bytes) -> bool:
        """Logs a client in; False, and an entry in the log, if name and password are not valid.

        Args:
            ctx: The client.
            name: Of the user.
            password: As the client gave it.
            word: The command it came with, as the client wrote it.
        """
        user = self.users.get(user_name(name))
        if user is None or not user.accepts(password):
            self._note(ctx, AUTH, word, user_name(name), context_of(ctx))
            return False
        ctx.user = user.name
        ctx.set_authenticated(True)
        self._mark(ctx)
        return True

    def _mark(self, ctx: Context) -> None:
        """Notes in the client whether its commands have to be checked."""
        if ctx.flags & PRIMARY or self.user_of(ctx).is_unrestricted():
            ctx.attention &= ~RESTRICTED
        else:
            ctx.attention |= RESTRICTED

    def _users_changed(self) -> None:
        """Notes in every client what its user may do now, and whether it has to log in. O(clients)."""
        must_log_in = self.must_log_in()
        for client in self.host.clients_now():
            self._mark(client)
            if not client.authenticated:
                client.require_password(must_log_in)

    def _disconnect_users(self, names: set[str], caller: Context | None) -> None:
        """Closes the clients that are one of these users; the one that asked for it gets its reply first."""
        for client in self.host.clients_now():
            if client.user not in names:
                continue
            client.user = DEFAULT_USER
            client.set_authenticated(False)
            if client is caller:
                client.flags |= CLOSE_AFTER_REPLY
            else:
                client.disconnect()

    # What clients may do

    def denial_of(self, ctx: Context, command: Command, argv: list[bytes]) -> Denial | None:
        """Why a client may not run a command; None if it may. Nothing is logged."""
        user = self.user_of(ctx)
        return None if user.is_unrestricted() else denial(user, command, argv)

    def refusal(self, ctx: Context, command: Command, argv: list[bytes], in_script: bool) -> str | None:
        """The error for a command that a client, or its script, may not run, which is logged; None if it may."""
        denied = self.denial_of(ctx, command, argv)
        if denied is None:
            return None
        if in_script:
            self._note_denial(ctx, command, argv, denied, b"lua")
        else:
            ctx.command = command
            self._note_denial(ctx, command, argv, denied, context_of(ctx))
        return f"NOPERM {denial_text(self.user_of(ctx), command, denied)}"

    def refusal_at_exec(self, ctx: Context, command: Command, argv: list[bytes]) -> str | None:
        """The same for a queued command whose time has come: it was allowed when it was queued."""
        denied = self.denial_of(ctx, command, argv)
        if denied is None:
            return None
        self._note_denial(ctx, command, argv, denied, b"multi")
        return (
            "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This "
            f"command is no longer allowed for the following reason: {_WHY_AT_EXEC[int(denied.reason)]}"
        )

    def may_read_every_key(self, ctx: Context, command: Command, argv: list[bytes]) -> bool:
        """Whether a client may run a command, and with it read any key."""
        user = self.user_of(ctx)
        return user.is_unrestricted() or may_read_every_key(user, command, argv)

    def _note_denial(self, ctx: Context, command: Command, argv: list[bytes], denied: Denial, context: bytes) -> None:
        subject = command.name.encode() if denied.reason == COMMAND else argv[denied.at]
        self._note(ctx, int(denied.reason), subject, ctx.user, context)

    def _note(self, ctx: Context, reason: int, subject: bytes, user: str, context: bytes) -> None:
        """Counts and logs a refusal."""
        self.denied[reason] += 1
        longest = self.host.settings.acllog_max_len
        self.log.add(reason, context, subject, user, client_line(ctx), ctx.now_ms(), longest)

    # Changing users

    def set_user(self, name: bytes, rules: list[bytes], caller: Context) -> None:
        """Makes or changes a user by rules, by all of them or by none.

        Raises:
            CommandError: A rule makes no sense.
        """
        if has_blanks(name):
            raise CommandError(BLANKS_IN_NAME)
        try:
            merged = merge_selectors(rules)
        except UnmatchedParenthesisError as unmatched:
            shown = printable(rules[unmatched.at])
            raise CommandError(f"ERR Unmatched parenthesis in acl selector starting at '{shown}'.") from unmatched
        known = self.users.get(user_name(name))
        user = User(user_name(name), self.index) if known is None else known.copy()
        for rule in merged:
            try:
                user.apply(rule)
            except RuleError as wrong:
                shown = printable(rule)
                raise CommandError(f"ERR Error in ACL SETUSER modifier '{shown}': {wrong.reason}") from wrong
        if known is not None:
            self._disconnect_subscribers(known, user, caller)
        self.users[user.name] = user
        self._users_changed()

    def _disconnect_subscribers(self, before: User, after: User, caller: Context) -> None:
        """Closes the subscribers of a user that listen to what it may listen to no longer."""
        if any(selector.all_channels for selector in after.selectors):
            return
        left: set[bytes] = set()
        for selector in after.selectors:
            left.update(selector.channel_names)
        if all(not selector.all_channels and left.issuperset(selector.channel_names) for selector in before.selectors):
            return
        for client in self.host.clients_now():
            if client.user != before.name or type_of(client) != PUBSUB_CLIENT or self._may_listen_on(client, after):
                continue
            if client is caller:
                client.flags |= CLOSE_AFTER_REPLY
            else:
                client.disconnect()

    def _may_listen_on(self, client: Context, user: User) -> bool:
        """Whether a user may listen to all that a client listens to."""
        pubsub = self.host.pubsub
        for kind in (pubsub.channels, pubsub.patterns, pubsub.shard_channels):
            is_pattern = kind is pubsub.patterns
            for name in kind.names_of(client):
                if not any(selector.may_use_channel(name, is_pattern) for selector in user.selectors):
                    return False
        return True

    def delete_users(self, names: list[bytes], caller: Context) -> int:
        """Deletes users and closes their clients.

        Returns:
            How many of the users there were.

        Raises:
            CommandError: The default user is among them; nothing has changed.
        """
        if DEFAULT_USER.encode() in [up_to_nul(name) for name in names]:
            raise CommandError("ERR The 'default' user cannot be removed")
        gone = {user_name(name) for name in names if user_name(name) in self.users}
        for name in gone:
            del self.users[name]
        self._disconnect_users(gone, caller)
        return len(gone)

    def set_default_password(self, password: bytes) -> None:
        """requirepass: the default user takes this password alone, or any if it is empty."""
        user = self.users[DEFAULT_USER]
        user.apply(b"resetpass")
        user.apply(b">" + password if password else b"nopass")
        self._users_changed()

    # Files

    def load(self, caller: Context | None) -> None:
        """Replaces all users by those of the ACL file, and closes the clients of all old ones but the default user.

        Raises:
            AclFileError: The file is wrong; nothing has changed.
        """
        path = self.host.settings.aclfile
        users = AclFileReader(path, self.index).read()
        if DEFAULT_USER not in users:
            users[DEFAULT_USER] = default_user(self.index)
        old = {name for name in self.users if name != DEFAULT_USER}
        self.users = users
        self._disconnect_users(old, caller)
        self._users_changed()

    def save(self) -> None:
        """Writes all users to the ACL file.

        Raises:
            CommandError: It cannot be written; the log says why.
        """
        try:
            write_acl_file(self.host.settings.aclfile, self.sorted_users())
        except OSError as error:
            self.host.log(WARNING, f"ACL SAVE: {self.host.settings.aclfile} cannot be written: {error.strerror}")
            raise CommandError(SAVE_FAILED) from error

    def load_at_start(self) -> str:
        """Takes the users of the configuration, or of the ACL file.

        Returns:
            Why the server must not start with them, or the empty string.
        """
        declared = self.host.config.users
        if self.host.settings.aclfile and declared:
            return FILE_AND_USERS
        for name, *rules in declared:
            reason = self._declare(name, rules)
            if reason:
                return reason
        if self.host.settings.aclfile:
            try:
                self.load(None)
            except AclFileError as error:
                return f"Aborting Redis startup because of ACL errors: {error.text}"
        return ""

    def _declare(self, name: bytes, rules: list[bytes]) -> str:
        """Makes a user that the configuration names; returns why that is impossible, or the empty string."""
        if has_blanks(name):
            return "Spaces not allowed in ACL usernames"
        user = User(user_name(name), self.index)
        try:
            merged = merge_selectors(rules)
        except UnmatchedParenthesisError:
            return f"Unmatched parenthesis in a selector of the user named '{user.name}'"
        for rule in merged:
            try:
                user.apply(rule)
            except RuleError as wrong:
                return f"Error loading ACL rule '{printable(rule)}' for the user named '{user.name}': {wrong.reason}"
        if not user.enabled:
            self.host.log(NOTICE, f"The user '{user.name}' is off: nobody can log in with it")
        self.users[user.name] = user
        return ""


def context_of(ctx: Context) -> bytes:
    """Where a client's command is refused, as the log calls it."""
    return b"multi" if ctx.attention & IN_MULTI or ctx.flags & DENY_BLOCKING else b"toplevel"


def denial_text(user: User, command: Command, denied: Denial, subject: bytes | None = None) -> str:
    """A refusal in words, without its prefix.

    Args:
        user: Who was refused.
        command: What was refused.
        denied: Why.
        subject: The key or channel to name; None to keep it out of the text.
    """
    if denied.reason == COMMAND:
        return f"User {user.name} has no permissions to run the '{command.name}' command"
    kind = "key" if denied.reason == KEY else "channel"
    if subject is None:
        return f"No permissions to access a {kind}"
    return f"User {user.name} has no permissions to access the '{subject.decode('utf-8', 'surrogateescape')}' {kind}"


def access_control(ctx: Context) -> AccessControl:
    """The access control of the server a client is connected to."""
    access = ctx.host.access
    assert isinstance(access, AccessControl), errors.INTERNAL
    return access
