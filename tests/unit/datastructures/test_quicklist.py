"""Lists: the nodes of a real server, the thresholds between the encodings, and corrupt nodes."""

import pytest

from hognose.datastructures.listnodes import NodeRow
from hognose.datastructures.listpack import seal
from hognose.datastructures.quicklist import ListLimits, ListValue, list_from_nodes
from tests.unit.datastructures.golden_dumps import QUICKLISTS


def list_of(elements: list[bytes], limits: ListLimits) -> ListValue:
    value = ListValue(limits)
    for element in elements:
        value.push_tail([element])
    return value


def contents(value: ListValue) -> list[bytes]:
    out: list[bytes] = []
    value.extend(out, 0, value.length())
    return out


@pytest.mark.parametrize(("max_listpack_size", "elements", "nodes"), QUICKLISTS)
def test_pushes_give_the_nodes_of_a_real_server(
    max_listpack_size: int, elements: list[bytes], nodes: list[tuple[bool, bytes]]
) -> None:
    row = NodeRow(ListLimits(max_listpack_size))
    for element in elements:
        row.push_tail(element)
    assert [(node.plain, node.payload()) for node in row.nodes()] == nodes


@pytest.mark.parametrize(("max_listpack_size", "elements", "nodes"), QUICKLISTS)
def test_nodes_of_a_real_server_load_as_the_same_list(
    max_listpack_size: int, elements: list[bytes], nodes: list[tuple[bool, bytes]]
) -> None:
    value = list_from_nodes(ListLimits(max_listpack_size), [node[1] for node in nodes], [node[0] for node in nodes])
    value.check_invariants()
    assert contents(value) == elements
    assert value.encoding() == (b"listpack" if len(nodes) == 1 else b"quicklist")


def test_a_list_of_few_is_a_listpack_until_its_count_exceeds_the_limit() -> None:
    value = list_of([b"a", b"b", b"c"], ListLimits(3))
    assert value.encoding() == b"listpack"
    value.push_head([b"d"])
    assert value.encoding() == b"quicklist"
    assert contents(value) == [b"d", b"a", b"b", b"c"]


def test_a_quicklist_becomes_a_listpack_at_half_the_limit_and_not_before() -> None:
    value = list_of([b"%d" % number for number in range(9)], ListLimits(8))
    for _ in range(4):
        value.pop_tail()
        assert value.encoding() == b"quicklist"
    value.pop_head()
    assert value.length() == 4
    assert value.encoding() == b"listpack"


def test_all_elements_of_one_push_count_before_the_first_is_pushed() -> None:
    value = ListValue(ListLimits())
    value.push_tail([b"x" * 4095, b"y" * 4095])
    assert value.encoding() == b"quicklist"
    value = ListValue(ListLimits())
    value.push_tail([b"x" * 4000, b"y" * 4000])
    assert value.encoding() == b"listpack"


def test_an_insert_without_pivot_may_still_convert_as_in_the_real_server() -> None:
    value = list_of([b"a", b"b"], ListLimits(2))
    assert not value.insert(b"absent", b"c", True)
    assert value.encoding() == b"quicklist"
    assert contents(value) == [b"a", b"b"]


def test_a_changed_setting_reaches_a_list_that_exists() -> None:
    limits = ListLimits(2)
    value = list_of([b"a", b"b"], limits)
    limits.configure(5)
    value.push_tail([b"c"])
    assert value.encoding() == b"listpack"


def test_a_changed_setting_decides_the_size_of_new_nodes_of_a_list_that_exists() -> None:
    limits = ListLimits(2)
    value = list_of([b"a", b"b", b"c", b"d"], limits)
    limits.configure(3)
    value.push_tail([b"e", b"f"])
    assert [node.count for node in value.nodes()] == [2, 3, 1]
    value.check_invariants()


def test_a_huge_element_gets_a_plain_node() -> None:
    value = list_of([b"a", b"x" * 100, b"b"], ListLimits(1, 100))
    assert [(node.plain, node.count) for node in value.nodes()] == [(False, 1), (True, 1), (False, 1)]
    value.set(1, b"small")
    assert contents(value) == [b"a", b"small", b"b"]
    value.check_invariants()


def test_copies_share_nothing_that_changes() -> None:
    for limits in (ListLimits(), ListLimits(1)):
        value = list_of([b"a", b"b", b"c"], limits)
        twin = value.copy()
        value.pop_head()
        value.set(0, b"changed")
        assert contents(twin) == [b"a", b"b", b"c"]
        assert twin.memory_bytes() > 0


def test_memory_follows_the_content() -> None:
    value = list_of([b"x" * 100] * 500, ListLimits())
    assert 500 * 100 < value.memory_bytes() < 500 * 104 + 2000
    value.trim(0, 1)
    assert value.memory_bytes() < 400


def test_a_list_says_what_it_is() -> None:
    value = list_of([b"a"], ListLimits())
    assert value.type_name() == b"list"
    assert value.length() == 1


def test_one_element_is_read_from_any_node() -> None:
    elements = [b"a", b"x" * 100, b"7", b"b"]
    value = list_of(elements, ListLimits(1, 100))
    assert [value.element(index) for index in range(4)] == elements
    assert value.positions(b"x" * 100, 1, 0, 0) == [1]
    assert value.positions(b"7", -1, 0, 0) == [2]


def test_position_search_stops_at_a_rank_no_list_has() -> None:
    value = list_of([b"a", b"b", b"a"], ListLimits())
    assert value.positions(b"a", 1, 0, 0) == [0, 2]
    assert value.positions(b"a", -1, 1, 0) == [2]
    assert value.positions(b"a", 2**63 - 1, 0, 0) == []
    assert value.positions(b"a", -(2**63) + 1, 0, 0) == []


def test_loading_a_corrupt_node_is_refused() -> None:
    with pytest.raises(ValueError):
        list_from_nodes(ListLimits(), [b"\x07\x00\x00\x00\x01\x00\xff"], [False])


def test_loading_leaves_empty_nodes_out() -> None:
    value = list_from_nodes(ListLimits(), [seal(b"", 0), b"huge"], [False, True])
    assert contents(value) == [b"huge"]
    value.check_invariants()
