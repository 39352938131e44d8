"""Bit operations against a model that spells every string out as a text of 0s and 1s."""

from hypothesis import given
from hypothesis import strategies as st

from hognose.datastructures import bits

STRINGS = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda byte, n, end: byte * n + end,
        st.sampled_from([b"\0", b"\xff"]),
        st.integers(0, 5000),
        st.binary(max_size=9),
    ),
)


def text_of(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


@st.composite
def strings_with_range(draw: st.DrawFn) -> tuple[bytes, int, int]:
    data = draw(STRINGS.filter(bool))
    first = draw(st.integers(0, 8 * len(data) - 1))
    return data, first, draw(st.integers(first, 8 * len(data) - 1))


@given(strings_with_range(), st.booleans())
def test_counting_a_range_of_bits_agrees_with_the_text(case: tuple[bytes, int, int], mutable: bool) -> None:
    data, first, last = case
    form = bytearray(data) if mutable else data
    assert bits.bitcount_bits(form, first, last) == text_of(data)[first : last + 1].count("1")
    assert bits.bitcount(form, first >> 3, last >> 3) == text_of(data[first >> 3 : (last >> 3) + 1]).count("1")


@given(strings_with_range(), st.integers(0, 1), st.booleans())
def test_finding_a_bit_agrees_with_the_text(case: tuple[bytes, int, int], bit: int, mutable: bool) -> None:
    data, first, last = case
    form = bytearray(data) if mutable else data
    assert bits.find_bit(form, bit, first, last) == text_of(data).find(str(bit), first, last + 1)


@given(st.lists(STRINGS, min_size=1, max_size=4))
def test_combining_agrees_with_one_big_number(sources: list[bytes]) -> None:
    length = max(map(len, sources))
    numbers = [int.from_bytes(source.ljust(length, b"\0"), "big") for source in sources]
    conjunction, disjunction, exclusive = numbers[0], 0, 0
    for number in numbers:
        conjunction &= number
        disjunction |= number
        exclusive ^= number
    assert bits.combine(bits.AND, sources) == conjunction.to_bytes(length, "big")
    assert bits.combine(bits.OR, sources) == disjunction.to_bytes(length, "big")
    assert bits.combine(bits.XOR, sources) == exclusive.to_bytes(length, "big")


@given(STRINGS)
def test_inverting_agrees_with_the_bytes(source: bytes) -> None:
    assert bits.invert(source) == bytes(byte ^ 0xFF for byte in source)


@given(st.binary(max_size=30), st.integers(0, 250), st.integers(0, 1))
def test_a_set_bit_is_read_back_and_nothing_else_moves(data: bytes, offset: int, bit: int) -> None:
    changed = bytearray(data)
    before = text_of(data).ljust(8 * (offset // 8 + 1), "0")
    assert bits.set_bit(changed, offset, bit) == int(before[offset])
    assert text_of(bytes(changed)) == before[:offset] + str(bit) + before[offset + 1 :]
    assert bits.get_bit(changed, offset) == bit


@given(st.binary(max_size=30), st.integers(0, 250), st.integers(1, 64), st.integers(-(2**65), 2**65))
def test_a_field_is_read_back_and_nothing_else_moves(data: bytes, offset: int, width: int, value: int) -> None:
    changed = bytearray(data)
    end = offset + width
    before = text_of(data).ljust(8 * ((end + 7) // 8), "0")
    assert bits.get_unsigned(data, offset, width) == int(before[offset:end], 2)
    bits.set_field(changed, offset, width, value)
    field = value % 2**width
    assert text_of(bytes(changed)) == before[:offset] + f"{field:0{width}b}" + before[end:]
    assert bits.get_unsigned(changed, offset, width) == field
    assert bits.get_signed(changed, offset, width) == field - (field >> (width - 1)) * 2**width


@given(st.integers(-(2**65), 2**65), st.booleans(), st.integers(1, 64))
def test_wrapped_and_saturated_values_lie_in_the_field(value: int, signed: bool, width: int) -> None:
    low = -(2 ** (width - 1)) if signed else 0
    high = low + 2**width - 1
    assert bits.fit(value, signed, width, bits.SAT) == min(max(value, low), high)
    wrapped = bits.fit(value, signed, width, bits.WRAP)
    assert wrapped is not None
    assert low <= wrapped <= high
    assert (wrapped - value) % 2**width == 0
    assert (bits.fit(value, signed, width, bits.FAIL) is None) == (not low <= value <= high)
