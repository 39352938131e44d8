"""Properties of ACL rules: a user's text makes the same user again, and a copy shares nothing with its original."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hognose.acl.index import CommandIndex
from hognose.acl.permission import denial
from hognose.acl.rules import RuleError, merge_selectors
from hognose.acl.user import User
from hognose.commands import load_all
from hognose.commands.flags import CATEGORIES
from hognose.commands.table import CommandTable

load_all()
TABLE = CommandTable()
INDEX = CommandIndex(TABLE)
EVERYTHING = TABLE.everything()
NAMES = [command.name.encode() for command in EVERYTHING]

signs = st.sampled_from([b"+", b"-"])
patterns = st.text("ab*?[]\\^-\xe9", max_size=4).map(str.encode)
command_rules = st.one_of(
    st.builds(bytes.__add__, signs, st.sampled_from(NAMES)),
    st.builds(bytes.__add__, signs, st.sampled_from([b"@" + name for name in CATEGORIES])),
    st.sampled_from([b"+@all", b"-@all", b"allcommands", b"nocommands"]),
    st.builds(b"+select|%d".__mod__, st.integers(0, 3)),
)
key_rules = st.one_of(
    st.builds(bytes.__add__, st.sampled_from([b"~", b"%R~", b"%W~", b"%RW~", b"%wr~"]), patterns),
    st.sampled_from([b"allkeys", b"resetkeys"]),
)
channel_rules = st.one_of(patterns.map(b"&".__add__), st.sampled_from([b"allchannels", b"resetchannels"]))
selector_rules = st.one_of(command_rules, key_rules, channel_rules)
user_rules = st.one_of(
    selector_rules,
    st.lists(selector_rules, max_size=5).map(lambda rules: b"(" + b" ".join(rules) + b")"),
    st.sampled_from([b"on", b"off", b"nopass", b"resetpass", b">x", b">y", b"clearselectors", b"reset"]),
    st.sampled_from([b"sanitize-payload", b"skip-sanitize-payload"]),
)


def made_by(rules: list[bytes]) -> User:
    """A user made by rules; those that make no sense where they stand are left out."""
    user = User("somebody", INDEX)
    for rule in rules:
        try:
            user.apply(rule)
        except RuleError:
            continue
    return user


@given(st.lists(user_rules, max_size=15))
@settings(max_examples=300)
def test_the_text_of_a_user_makes_a_user_with_the_same_text_and_rights(rules: list[bytes]) -> None:
    user = made_by(rules)
    again = User("somebody", INDEX)
    for rule in merge_selectors(user.text().split(b" ")):
        again.apply(rule)
    assert again.text() == user.text()
    assert [each.allowed for each in again.selectors] == [each.allowed for each in user.selectors]
    assert [each.first_arguments for each in again.selectors] == [each.first_arguments for each in user.selectors]
    assert again.passwords == user.passwords
    # A user that lost and regained single commands is checked, although it may do everything: its text does not tell.
    assert again.is_unrestricted() or not user.is_unrestricted()


@given(st.lists(user_rules, max_size=8), st.lists(user_rules, max_size=8))
def test_a_copy_changes_alone(rules: list[bytes], more: list[bytes]) -> None:
    user = made_by(rules)
    before = user.text()
    bits = [bytes(selector.allowed) for selector in user.selectors]
    copy = user.copy()
    assert copy.text() == before
    for rule in more:
        try:
            copy.apply(rule)
        except RuleError:
            continue
    assert user.text() == before
    assert [bytes(selector.allowed) for selector in user.selectors] == bits


@given(st.lists(user_rules, max_size=10))
def test_who_is_unrestricted_is_denied_nothing(rules: list[bytes]) -> None:
    user = made_by([*rules, b"allcommands", b"allkeys", b"allchannels"])
    assert user.is_unrestricted()
    for each in EVERYTHING:
        argv = [each.name.encode(), *[b"1"] * int(each.least)]
        assert denial(user, each, argv) is None
