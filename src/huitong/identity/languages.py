"""The language in which a person is told things: chosen at sign-up, or by a customer later."""

import re
import uuid
from datetime import datetime
from enum import StrEnum
from typing import Final

from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CUSTOMER, show_id

_HEADER_LENGTH_MAX: Final = 512
_RANGE: Final = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*(?:;q=([01](?:\.[0-9]{0,3})?))?")
_PUT: Final = """
    INSERT INTO identity.languages AS l (subject_id, language, chosen_at)
    VALUES (:subject_id, :language, :now)
        ON CONFLICT (subject_id) DO UPDATE
           SET language = excluded.language, chosen_at = excluded.chosen_at
         WHERE l.language <> excluded.language
    RETURNING subject_id
"""


class Language(StrEnum):
    """A language that we write to people in."""

    ZH = "zh"
    EN = "en"


_KNOWN: Final = frozenset(each.value for each in Language)


def read_accept_language(header: str | None) -> Language | None:
    """Return which of our languages a browser likes best, or None if it names neither.

    Of the ranges of RFC 9110 12.5.4 the first with the greatest weight; what is no range, or has
    the weight 0, counts for nothing.
    """
    best: tuple[float, Language] | None = None
    for part in (header or "")[:_HEADER_LENGTH_MAX].split(","):
        found = _RANGE.fullmatch(part.replace(" ", ""))
        if found is None or found[1].lower() not in _KNOWN:
            continue
        weight = 1.0 if found[2] is None else float(found[2])
        if weight > 0 and (best is None or weight > best[0]):
            best = (weight, Language(found[1].lower()))
    return None if best is None else best[1]


async def choose_language(
    uow: UnitOfWork, *, subject_id: uuid.UUID, language: Language, now: datetime
) -> None:
    """Write to a person in this language from now on."""
    row = await uow.fetch_one(_PUT, subject_id=subject_id, language=language.value, now=now)
    if row is not None:
        await audit.record(
            uow,
            action="identity.choose_language",
            subject=show_id(CUSTOMER, subject_id),
            details={"language": language.value},
        )


async def get_language(uow: UnitOfWork, subject_id: uuid.UUID) -> Language:
    """Return in which language a person is written to: Chinese if they chose none."""
    found = await uow.fetch_value(
        "SELECT language FROM identity.languages WHERE subject_id = :id", id=subject_id
    )
    return Language.ZH if found is None else Language(found)


async def forget_language(uow: UnitOfWork, subject_id: uuid.UUID) -> bool:
    """Delete what a person chose; False if they chose nothing."""
    row = await uow.fetch_one(
        "DELETE FROM identity.languages WHERE subject_id = :id RETURNING subject_id",
        id=subject_id,
    )
    return row is not None
