"""Reading arguments: numbers with their error texts, and the expire options many commands share."""

from typing import Final

from mypy_extensions import i64

from hognose.commands.context import Context
from hognose.datastructures.numbers import parse_double, parse_i64
from hognose.errors import NOT_FLOAT, NOT_INTEGER, SYNTAX, CommandError, invalid_expire_time

I64_MAX: Final = 2**63 - 1
I64_MIN: Final = -(2**63)


def integer(argument: bytes, error: str = NOT_INTEGER) -> int:
    """An argument as a signed 64-bit integer.

    Raises:
        CommandError: It is none; with the text `error`.
    """
    try:
        return parse_i64(argument)
    except ValueError:
        raise CommandError(error) from None


def integer_between(argument: bytes, low: int, high: int, error: str) -> int:
    """An argument as an integer of a range, both ends included; else the text `error`."""
    number = integer(argument, error)
    if number < low or number > high:
        raise CommandError(error)
    return number


def random_count(argument: bytes) -> int:
    """How many random elements are wanted: any 64-bit integer whose negative is one too."""
    count = integer(argument)
    if count < -I64_MAX:
        raise CommandError(f"ERR value is out of range, value must between {-I64_MAX} and {I64_MAX}")
    return count


def floating(argument: bytes, error: str = NOT_FLOAT) -> float:
    """An argument as a double; else the text `error`."""
    try:
        return parse_double(argument)
    except ValueError:
        raise CommandError(error) from None


EX: Final = 1
PX: Final = 2
EXAT: Final = 3
PXAT: Final = 4

EXPIRE_UNITS: Final[dict[bytes, int]] = {b"EX": EX, b"PX": PX, b"EXAT": EXAT, b"PXAT": PXAT}


def deadline_from(ctx: Context, unit: i64, argument: bytes) -> i64:
    """The deadline in Unix ms that an option such as `EX 10` of SET, GETEX or SETEX means.

    Raises:
        CommandError: The time is not an integer, not positive, or too far away.
    """
    amount = integer(argument)
    if amount <= 0:
        raise invalid_expire_time(ctx.command_name())
    if unit in {EX, EXAT}:
        if amount > I64_MAX // 1000:
            raise invalid_expire_time(ctx.command_name())
        amount *= 1000
    if unit in {EX, PX}:
        now: int = ctx.now_ms()  # not i64, in which the sum would wrap
        amount += now
        if amount > I64_MAX:
            raise invalid_expire_time(ctx.command_name())
    return amount


def syntax_error() -> CommandError:
    """The error for arguments that fit no syntax."""
    return CommandError(SYNTAX)
