"""The jobs of the RQ application; what its workers import."""


def square(number: int) -> int:
    """A job with a result."""
    return number * number


def failing(number: int) -> None:
    """A job whose result is an error."""
    raise ValueError(f"no {number}")
