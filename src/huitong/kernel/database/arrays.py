"""Arrays of numbers as text, for statements that take them often."""

from collections.abc import Sequence


def write_array(values: Sequence[float | None]) -> str:
    """Return a list of Python's own integers, numbers or flags as PostgreSQL reads an array.

    For a parameter that is cast: `$1::text::float8[]`. The driver would look at each element by
    itself whether it is a list, too, which takes several times as long as to write it. What is
    written is read again to the last bit. Worked: `[1, 0.5, None]` is `{1, 0.5, NULL}`.
    """
    return "{" + str(list(values))[1:-1].replace("None", "NULL") + "}"
