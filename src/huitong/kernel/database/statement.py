"""Statements as values, so that what several rooms write can travel to the database as one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_PARAMETER: Final = re.compile(r"\$(\d+)")
# Texts are constants of the code, so few combinations of them ever occur.
_JOINED_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of one statement with $1, $2, … and its arguments, for the driver."""

    text: str
    arguments: tuple[object, ...]


def join_statements(first: Sequence[Statement], last: Statement) -> Statement:
    """Return one statement that runs all of them, or none; its rows are those of `last`.

    All see the database as it was before; in which order they run is not defined, so none may
    depend on what another one writes. They become common table expressions, which PostgreSQL runs
    to the end whether or not anybody reads them.
    """
    counts = tuple(len(statement.arguments) for statement in (*first, last))
    text = _join_texts(tuple(statement.text for statement in (*first, last)), counts)
    arguments = [argument for statement in (*first, last) for argument in statement.arguments]
    return Statement(text, tuple(arguments))


@lru_cache(maxsize=_JOINED_MAX)
def _join_texts(texts: tuple[str, ...], counts: tuple[int, ...]) -> str:
    moved = []
    offset = 0
    for text, count in zip(texts, counts, strict=True):
        moved.append(_move_parameters(text, offset))
        offset += count
    *first, last = moved
    if not first:
        return last
    parts = ",\n".join(f"part_{number} AS ({text})" for number, text in enumerate(first))
    return f"WITH {parts}\n{last}"


def _move_parameters(text: str, offset: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + offset}", text)
