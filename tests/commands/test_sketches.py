"""BF.*, CF.*, CMS.* and TOPK.*: replies in both protocols, errors, and what else every key has to be able to do."""

import pytest

from tests.inprocess import InProcessClient, InProcessServer

WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
TYPES = {b"bloom": b"MBbloom--", b"cuckoo": b"MBbloomCF", b"sketch": b"CMSk-TYPE", b"top": b"TopK-TYPE"}


@pytest.fixture
def client() -> InProcessClient:
    return InProcessServer().client()


@pytest.fixture
def client3() -> InProcessClient:
    client = InProcessServer().client()
    client("HELLO", "3")
    return client


def fill(client: InProcessClient) -> None:
    """One key of each type, with something in it."""
    client("BF.MADD", "bloom", "a", "b", "c")
    client("CF.INSERT", "cuckoo", "ITEMS", "a", "b", "b")
    client("CMS.INITBYDIM", "sketch", "100", "4")
    client("CMS.INCRBY", "sketch", "a", "3", "b", "4")
    client("TOPK.RESERVE", "top", "2")
    client("TOPK.INCRBY", "top", "a", "3", "b", "5", "c", "10")


def answers(client: InProcessClient, suffix: str = "") -> list[object]:
    """What the keys of `fill` say."""
    return [
        client("BF.MEXISTS", "bloom" + suffix, "a", "b", "c", "nobody"),
        client("BF.CARD", "bloom" + suffix),
        [client("CF.COUNT", "cuckoo" + suffix, item) for item in "abc"],
        client("CMS.QUERY", "sketch" + suffix, "a", "b", "c"),
        client("TOPK.LIST", "top" + suffix, "WITHCOUNT"),
    ]


EXPECTED = [[1, 1, 1, 0], 3, [1, 2, 0], [3, 4, 0], [b"c", 10, b"b", 5]]


# Bloom filters


def test_bf_add_says_whether_the_item_was_new(client: InProcessClient) -> None:
    assert [client("BF.ADD", "k", "x"), client("BF.ADD", "k", "x")] == [1, 0]
    assert client("BF.MADD", "k", "x", "y") == [0, 1]


def test_bf_answers_with_booleans_in_resp3(client3: InProcessClient) -> None:
    assert client3("BF.ADD", "k", "x") is True
    assert client3("BF.MADD", "k", "x", "y") == [False, True]
    assert client3("BF.MEXISTS", "k", "x", "z") == [True, False]


def test_bf_info_of_a_filter_made_by_bf_add(client: InProcessClient, client3: InProcessClient) -> None:
    client("BF.ADD", "k", "x")
    info = client("BF.INFO", "k")
    assert isinstance(info, list)
    assert info[0::2] == [
        b"Capacity",
        b"Size",
        b"Number of filters",
        b"Number of items inserted",
        b"Expansion rate",
    ]
    assert (info[1], info[5], info[7], info[9]) == (100, 1, 1, 2)
    assert client("BF.INFO", "k", "items") == [1]
    client3("BF.RESERVE", "n", "0.01", "5", "NONSCALING")
    assert client3("BF.INFO", "n", "CAPACITY") == {b"Capacity": 5}
    whole = client3("BF.INFO", "n")
    assert isinstance(whole, dict)
    assert whole[b"Expansion rate"] is None


def test_bf_insert_makes_the_filter_it_is_told_to(client: InProcessClient) -> None:
    words = ("CAPACITY", "7", "ERROR", "0.2", "EXPANSION", "3", "ITEMS", "a", "b")
    assert client("BF.INSERT", "k", *words) == [1, 1]
    assert [client("BF.INFO", "k", "CAPACITY"), client("BF.INFO", "k", "EXPANSION")] == [[7], [3]]
    assert client.error("BF.INSERT", "missing", "NOCREATE", "ITEMS", "a") == "ERR not found"
    assert client("BF.INSERT", "k", "NOCREATE", "ITEMS", "a") == [0]
    assert client("EXISTS", "missing") == 0


def test_a_full_nonscaling_filter_ends_the_replies_with_an_error(client: InProcessClient) -> None:
    client("BF.RESERVE", "k", "0.001", "2", "NONSCALING")
    replies = client("BF.MADD", "k", "a", "b", "c", "d")
    assert isinstance(replies, list)
    assert replies[:2] == [1, 1]
    assert [str(reply) for reply in replies[2:]] == ["ERR non scaling filter is full"]
    assert client("BF.CARD", "k") == 2


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("x 100", "ERR bad error rate"),
        ("0 100", "ERR (0 < error rate range < 1)"),
        ("1 100", "ERR (0 < error rate range < 1)"),
        ("nan 100", "ERR bad error rate"),
        ("0.1 x", "ERR bad capacity"),
        ("0.1 0", "ERR (capacity should be in the range of 1 to 1073741824)"),
        ("0.1 1073741825", "ERR (capacity should be in the range of 1 to 1073741824)"),
        ("0.1 10 EXPANSION", "ERR no expansion"),
        ("0.1 10 EXPANSION x", "ERR bad expansion"),
        ("0.1 10 EXPANSION -1", "ERR (expansion should be in the range of 0 to 32768)"),
        ("0.1 10 EXPANSION 2 NONSCALING", "Nonscaling filters cannot expand"),
        ("1e-300 1073741824", "ERR Insufficient memory to create filter"),
        ("0.1", "ERR wrong number of arguments for 'bf.reserve' command"),
    ],
)
def test_bf_reserve_refuses(client: InProcessClient, words: str, error: str) -> None:
    assert client.error("BF.RESERVE", "k", *words.split()) == error
    assert client("EXISTS", "k") == 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("CAPACITY x ITEMS a", "Bad capacity"),
        ("ERROR x ITEMS a", "Bad error rate"),
        ("EXPANSION x ITEMS a", "Bad expansion"),
        ("WHAT ITEMS a", "Unknown argument received"),
        ("NOCREATE ITEMS", "ERR wrong number of arguments for 'bf.insert' command"),
        ("NOCREATE CAPACITY", "ERR wrong number of arguments for 'bf.insert' command"),
    ],
)
def test_bf_insert_refuses(client: InProcessClient, words: str, error: str) -> None:
    assert client.error("BF.INSERT", "k", *words.split()) == error
    assert client("EXISTS", "k") == 0


# Cuckoo filters


def test_cf_insert_says_where_the_filter_was_full(client: InProcessClient, client3: InProcessClient) -> None:
    for each in (client, client3):
        each("CF.RESERVE", "k", "2", "BUCKETSIZE", "1", "EXPANSION", "0")
        assert each("CF.INSERT", "k", "ITEMS", "1", "1", "1", "1") == [1, 1, -1, -1]
        assert each.error("CF.ADD", "k", "1") == "Filter is full"


def test_cf_commands_answer_with_booleans_in_resp3(client3: InProcessClient) -> None:
    assert client3("CF.ADD", "k", "a") is True
    assert client3("CF.ADDNX", "k", "a") is False
    assert client3("CF.INSERTNX", "k", "ITEMS", "a", "b") == [0, 1]
    assert client3("CF.MEXISTS", "k", "a", "z") == [True, False]
    assert client3("CF.DEL", "k", "a") is True
    assert client3("CF.DEL", "k", "a") is False


def test_cf_info_names_every_parameter(client: InProcessClient) -> None:
    client("CF.RESERVE", "k", "1000", "BUCKETSIZE", "8", "MAXITERATIONS", "30", "EXPANSION", "3")
    client("CF.ADD", "k", "a")
    client("CF.DEL", "k", "a")
    info = client("CF.INFO", "k")
    assert isinstance(info, list)
    assert dict(zip(info[2::2], info[3::2], strict=True)) == {
        b"Number of buckets": 128,
        b"Number of filters": 1,
        b"Number of items inserted": 0,
        b"Number of items deleted": 1,
        b"Bucket size": 8,
        b"Expansion rate": 4,
        b"Max iterations": 30,
    }


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("x", "Bad capacity"),
        ("0", "Bad capacity"),
        ("3 BUCKETSIZE 2", "Capacity must be at least (BucketSize * 2)"),
        ("10 BUCKETSIZE x", "Couldn't parse BUCKETSIZE"),
        ("10 BUCKETSIZE 256", "BUCKETSIZE: value must be an integer between 1 and 255, inclusive."),
        ("10 MAXITERATIONS 0", "MAXITERATIONS: value must be an integer between 1 and 65535, inclusive."),
        ("10 EXPANSION 32769", "EXPANSION: value must be an integer between 0 and 32768, inclusive."),
        ("10 EXPANSION", "ERR wrong number of arguments for 'cf.reserve' command"),
        ("9223372036854775807", "ERR Insufficient memory to create filter"),
    ],
)
def test_cf_reserve_refuses(client: InProcessClient, words: str, error: str) -> None:
    assert client.error("CF.RESERVE", "k", *words.split()) == error
    assert client("EXISTS", "k") == 0


def test_a_missing_cuckoo_filter_has_nothing_and_loses_nothing(client: InProcessClient) -> None:
    assert [client("CF.EXISTS", "k", "a"), client("CF.COUNT", "k", "a")] == [0, 0]
    assert client.error("CF.DEL", "k", "a") == "Not found"
    assert client.error("CF.COMPACT", "k") == "Not found"
    assert client.error("CF.INFO", "k") == "ERR not found"
    assert client.error("CF.INSERT", "k", "NOCREATE", "ITEMS", "a") == "ERR not found"


# Count-min sketches


def test_cms_initbyprob_sizes_the_sketch(client: InProcessClient, client3: InProcessClient) -> None:
    client("CMS.INITBYPROB", "k", "0.001", "0.01")
    assert client("CMS.INFO", "k") == [b"width", 2000, b"depth", 7, b"count", 0]
    client3("CMS.INITBYDIM", "k", "20", "3")
    assert client3("CMS.INFO", "k") == {b"width": 20, b"depth": 3, b"count": 0}


def test_cms_merge_takes_weights_and_the_target_among_its_sources(client: InProcessClient) -> None:
    for key in ("a", "b"):
        client("CMS.INITBYDIM", key, "50", "3")
        client("CMS.INCRBY", key, "x", "5")
    assert client("CMS.MERGE", "a", "2", "a", "b", "WEIGHTS", "2", "3") == b"OK"
    assert client("CMS.QUERY", "a", "x") == [25]
    assert client("CMS.INFO", "a") == [b"width", 50, b"depth", 3, b"count", 25]
    assert client.error("CMS.MERGE", "a", "1", "a", "WEIGHTS", "-1") == "CMS: MERGE overflow"
    assert client("CMS.QUERY", "a", "x") == [25]


def test_cms_incrby_reports_a_counter_that_ran_over(client: InProcessClient) -> None:
    client("CMS.INITBYDIM", "k", "10", "2")
    replies = client("CMS.INCRBY", "k", "a", "4294967295", "b", "1")
    assert isinstance(replies, list)
    assert [str(reply) for reply in replies] == ["CMS: INCRBY overflow", "1"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("CMS.INITBYDIM new 0 5", "CMS: invalid width"),
        ("CMS.INITBYDIM new 5 x", "CMS: invalid depth"),
        ("CMS.INITBYDIM new 4294967296 4294967296", "CMS: invalid init arguments"),
        ("CMS.INITBYPROB new 0 0.1", "CMS: invalid overestimation value"),
        ("CMS.INITBYPROB new 0.1 1", "CMS: invalid prob value"),
        ("CMS.INITBYPROB new 1e-300 0.5", "CMS: invalid init arguments"),
        ("CMS.INITBYDIM sketch 5 5", "CMS: key already exists"),
        ("CMS.INCRBY missing a 1", "CMS: key does not exist"),
        ("CMS.INCRBY sketch a", "ERR wrong number of arguments for 'cms.incrby' command"),
        ("CMS.INCRBY sketch a x", "CMS: Cannot parse number"),
        ("CMS.INCRBY sketch a 1 b -1", "CMS: Number cannot be negative"),
        ("CMS.MERGE sketch x sketch", "CMS: invalid numkeys"),
        ("CMS.MERGE sketch 0 sketch", "CMS: Number of keys must be positive"),
        ("CMS.MERGE sketch 2 sketch", "CMS: wrong number of keys"),
        ("CMS.MERGE sketch 1 sketch WEIGHTS", "CMS: wrong number of keys/weights"),
        ("CMS.MERGE sketch 1 sketch WEIGHTS x", "CMS: invalid weight value"),
        ("CMS.MERGE sketch 1 small", "CMS: width/depth is not equal"),
        ("CMS.MERGE sketch 1 missing", "CMS: key does not exist"),
    ],
)
def test_cms_refuses(client: InProcessClient, words: str, error: str) -> None:
    fill(client)
    client("CMS.INITBYDIM", "small", "5", "5")
    assert client.error(*words.split()) == error
    assert client("EXISTS", "new") == 0
    assert client("CMS.QUERY", "sketch", "a", "b") == [3, 4]


# Top-k


def test_topk_returns_who_was_driven_out(client: InProcessClient) -> None:
    client("TOPK.RESERVE", "k", "2", "50", "4", "0.925")
    assert client("TOPK.INCRBY", "k", "foo", "3", "bar", "5", "baz", "10") == [None, None, b"foo"]
    assert client("TOPK.LIST", "k") == [b"baz", b"bar"]
    assert client("TOPK.QUERY", "k", "foo", "bar") == [0, 1]
    assert client("TOPK.COUNT", "k", "baz", "nobody") == [10, 0]
    assert client("TOPK.INFO", "k") == [b"k", 2, b"width", 50, b"depth", 4, b"decay", b"0.92500000000000004"]


def test_topk_answers_with_booleans_and_doubles_in_resp3(client3: InProcessClient) -> None:
    client3("TOPK.RESERVE", "k", "2")
    client3("TOPK.ADD", "k", "a")
    assert client3("TOPK.QUERY", "k", "a", "b") == [True, False]
    assert client3("TOPK.INFO", "k") == {b"k": 2, b"width": 8, b"depth": 7, b"decay": 0.9}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("TOPK.RESERVE top x", "TopK: key already exists"),
        ("TOPK.RESERVE new x", "TopK: invalid k"),
        ("TOPK.RESERVE new 2 5", "ERR wrong number of arguments for 'topk.reserve' command"),
        ("TOPK.RESERVE new 2 0 5 0.9", "TopK: invalid width"),
        ("TOPK.RESERVE new 2 5 0 0.9", "TopK: invalid depth"),
        ("TOPK.RESERVE new 2 5 5 1.5", "TopK: invalid decay value. must be '<= 1' & '> 0'"),
        ("TOPK.RESERVE new 2 2000000000 2000000000 1", "ERR Insufficient memory to create topk data structure"),
        ("TOPK.ADD missing a", "TopK: key does not exist"),
        (
            "TOPK.INCRBY top a 1 b 100001",
            "TopK: increment must be an integer greater or equal to 1 and smaller or equal to 100,000",
        ),
        ("TOPK.LIST missing BAD", "WITHCOUNT keyword expected"),
        ("TOPK.LIST missing", "TopK: key does not exist"),
    ],
)
def test_topk_refuses(client: InProcessClient, words: str, error: str) -> None:
    fill(client)
    assert client.error(*words.split()) == error
    assert client("EXISTS", "new") == 0
    assert client("TOPK.LIST", "top", "WITHCOUNT") == [b"c", 10, b"b", 5]


# What every key can do


def test_the_types_have_their_names(client: InProcessClient) -> None:
    fill(client)
    for key, name in TYPES.items():
        assert client("TYPE", key) == name
        assert client("OBJECT", "ENCODING", key) == b"raw"
        assert client("SCAN", "0", "TYPE", name) == [b"0", [key]]
        assert client.error("GET", key) == WRONG_TYPE


@pytest.mark.parametrize(
    "words",
    [
        "BF.ADD {} a",
        "BF.RESERVE {} 0.1 10",
        "BF.INFO {}",
        "BF.CARD {}",
        "BF.SCANDUMP {} 0",
        "CF.ADD {} a",
        "CF.DEL {} a",
        "CF.COMPACT {}",
        "CF.COUNT {} a",
        "CF.RESERVE {} 100",
        "CF.LOADCHUNK {} 1 x",
        "CMS.INCRBY {} a 1",
        "CMS.INITBYDIM {} 5 5",
        "CMS.QUERY {} a",
        "TOPK.ADD {} a",
        "TOPK.RESERVE {} 5",
        "TOPK.LIST {}",
    ],
)
def test_a_key_of_another_type_is_refused(client: InProcessClient, words: str) -> None:
    client("SET", "string", "text")
    client("GEOADD", "zset", "1", "2", "a")
    for key in ("string", "zset"):
        assert client.error(*words.format(key).split()) == WRONG_TYPE


def test_exists_of_a_key_of_another_type_is_no(client: InProcessClient) -> None:
    client("SET", "string", "text")
    for name in ("BF.EXISTS", "CF.EXISTS"):
        assert client(name, "string", "a") == 0
    for name in ("BF.MEXISTS", "CF.MEXISTS"):
        assert client(name, "string", "a", "b") == [0, 0]


def test_dump_and_restore_bring_the_same_value_back(client: InProcessClient) -> None:
    fill(client)
    for key in TYPES:
        payload = client("DUMP", key)
        assert isinstance(payload, bytes)
        assert client("RESTORE", key + b"2", "0", payload) == b"OK"
        damaged = bytearray(payload)
        damaged[20] ^= 0x55
        assert client.error("RESTORE", key + b"3", "0", bytes(damaged)).startswith("ERR DUMP payload version")
    assert answers(client) == answers(client, "2") == EXPECTED


def test_copies_are_independent(client: InProcessClient) -> None:
    fill(client)
    for key in TYPES:
        assert client("COPY", key, key + b"2") == 1
    client("BF.ADD", "bloom2", "d")
    client("CF.ADD", "cuckoo2", "a")
    client("CMS.INCRBY", "sketch2", "a", "1")
    client("TOPK.ADD", "top2", "c")
    assert answers(client) == EXPECTED
    assert answers(client, "2") != EXPECTED


def test_the_digest_tells_values_apart_and_equal_ones_equal() -> None:
    server = InProcessServer()
    server.server.settings.enable_debug_command = "yes"
    client = server.client()
    fill(client)
    for key in TYPES:
        client("COPY", key, key + b"2")
        first, second = client("DEBUG", "DIGEST-VALUE", key, key + b"2")  # type: ignore[misc]
        assert first == second != b"0" * 40
    client("CMS.INCRBY", "sketch2", "z", "1")
    first, second = client("DEBUG", "DIGEST-VALUE", "sketch", "sketch2")  # type: ignore[misc]
    assert first != second


@pytest.mark.parametrize("family", ["BF", "CF"])
def test_scandump_and_loadchunk_carry_a_filter(client: InProcessClient, family: str) -> None:
    fill(client)
    key = "bloom" if family == "BF" else "cuckoo"
    iterator = 0
    pairs = []
    while True:
        iterator, data = client(f"{family}.SCANDUMP", key, iterator)  # type: ignore[misc]
        if iterator == 0:
            assert data == b""
            break
        pairs.append((iterator, data))
    client("DEL", key)
    for iterator, data in pairs:
        assert client(f"{family}.LOADCHUNK", key, iterator, data) == b"OK"
    assert answers(client) == EXPECTED


@pytest.mark.parametrize("family", ["BF", "CF"])
def test_loadchunk_refuses_what_scandump_never_returned(client: InProcessClient, family: str) -> None:
    load = f"{family}.LOADCHUNK"
    assert client.error(load, "k", "x", "") == "Second argument must be numeric"
    assert client.error(load, "k", "1", "nonsense") == "ERR received bad data"
    assert client.error(load, "k", "9", "12345678") == "ERR not found"
    client(f"{family}.ADD", "k", "a")
    for iterator in ("-5", "3", "9000000"):
        assert client.error(load, "k", iterator, "12345678") == "ERR received bad data"
    assert client.error(f"{family}.SCANDUMP", "missing", "0") == "ERR not found"
    assert client.error(f"{family}.SCANDUMP", "k", "x") == "Second argument must be numeric"


def test_memory_is_accounted_while_values_grow_and_returned_when_they_go(client: InProcessClient) -> None:
    def used() -> int:
        info = client("INFO", "memory")
        assert isinstance(info, bytes)
        return int(info.split(b"used_memory:")[1].split(b"\r\n")[0])

    client("SET", "warm", "up")
    before = used()
    client("BF.RESERVE", "bloom", "0.01", "1000")
    reserved = client("MEMORY", "USAGE", "bloom")
    for start in range(0, 20_000, 1000):
        client("BF.MADD", "bloom", *range(start, start + 1000))
    grown = client("MEMORY", "USAGE", "bloom")
    assert isinstance(reserved, int)
    assert isinstance(grown, int)
    assert grown > 10 * reserved
    assert used() - before > grown - 1000
    client("DEL", "bloom")
    assert used() - before < grown // 10


def test_changes_fire_events_of_the_module_class() -> None:
    server = InProcessServer(notify_keyspace_events="Kd")
    client, listener = server.client(), server.client()
    listener("PSUBSCRIBE", "*")
    client("BF.RESERVE", "k", "0.1", "10")
    client("BF.ADD", "k", "a")
    client("BF.ADD", "k", "a")
    client("BF.EXISTS", "k", "a")
    messages = [listener.reply() for _ in range(3)]
    assert [message[3] if isinstance(message, list) else None for message in messages] == [
        b"bf.reserve",
        b"bf.add",
        None,
    ]


def test_the_commands_are_in_their_categories(client: InProcessClient) -> None:
    for category, prefix in (("bloom", b"bf."), ("cuckoo", b"cf."), ("cms", b"cms."), ("topk", b"topk.")):
        listed = client("ACL", "CAT", category)
        assert isinstance(listed, list)
        assert listed
        assert all(name.startswith(prefix) for name in listed)


def test_watched_keys_see_the_changes(client: InProcessClient) -> None:
    client("BF.RESERVE", "k", "0.1", "10")
    client("WATCH", "k")
    client("BF.ADD", "k", "a")
    client("MULTI")
    client("PING")
    assert client("EXEC") is None
