"""Screening names against lists: who does it is a protocol; here is one over loaded lists.

Whoever screens says which names fit, or that it cannot say now (`ScreenerFault`): then what waits
goes on waiting. Nothing passes because nobody looked.
"""

import asyncio
import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Protocol

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import limits
from huitong.payments.crossborder.errors import ScreenerFault, ScreeningListInvalid
from huitong.payments.crossborder.names import Listed, NameIndex, read_form

_LIST_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ENTRY_LENGTH_MAX: Final = 60
_NAME_LENGTH_MAX: Final = 200
_TITLES: Final = ["entry", "name", "born_on", "country"]
_PROBLEMS_SHOWN_MAX: Final = 20
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedName:
    """A name to be looked at, and whose: `ours` (the customer) or `theirs` (the other side)."""

    side: str
    name: str = field(repr=False)
    born_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A listed name that fits one that was looked at; `score` is of 100."""

    side: str
    list: str
    entry: str
    name: str
    score: int
    why: str


class Screener(Protocol):
    """Who knows whether names are on lists."""

    async def screen(self, names: Sequence[ScreenedName], *, now: datetime) -> list[Hit]:
        """Return what fits; raises ScreenerFault if it cannot say now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningList:
    """A list that was loaded; `version` counts its loads."""

    name: str
    version: int
    digest: bytes
    entries: int
    loaded_at: datetime


class ListScreener:
    """Screens against the lists in the database, kept in memory until one is loaded anew."""

    def __init__(self, database: Database, rulebook: Rulebook) -> None:
        """Read nothing yet."""
        self._database, self._rulebook = database, rulebook
        self._versions: dict[str, int] = {}
        self._index: NameIndex | None = None
        self._born: dict[tuple[str, str], frozenset[date]] = {}

    async def screen(self, names: Sequence[ScreenedName], *, now: datetime) -> list[Hit]:
        """Return what fits; raises ScreenerFault while no list was ever loaded."""
        index = await self._learn()
        score_min = self._rulebook.integer("crossborder.screening.score.min", business_day(now))
        return await asyncio.to_thread(self._find, index, names, score_min)

    def _find(self, index: NameIndex, names: Sequence[ScreenedName], score_min: int) -> list[Hit]:
        hits: list[Hit] = []
        for screened in names:
            for match in index.find(screened.name, score_min=score_min):
                listed = match.listed
                born = self._born.get((listed.list, listed.entry), frozenset())
                # Somebody with another date of birth is somebody else.
                if screened.born_on is not None and born and screened.born_on not in born:
                    continue
                hits.append(
                    Hit(
                        side=screened.side,
                        list=listed.list,
                        entry=listed.entry,
                        name=listed.name,
                        score=match.score,
                        why=match.why,
                    )
                )
        return hits

    async def _learn(self) -> NameIndex:
        async with self._database.reading() as uow:
            lists = {each.name: each.version for each in await list_lists(uow)}
            if not lists:
                raise ScreenerFault("no list of names was loaded")
            if self._index is not None and lists == self._versions:
                return self._index
            rows = await uow.execute(
                "SELECT list, entry, name, born_on FROM payments.screening_names"
            )
        names = [Listed(row.list, row.entry, row.name) for row in rows]
        born: dict[tuple[str, str], set[date]] = {}
        for row in rows:
            if row.born_on is not None:
                born.setdefault((row.list, row.entry), set()).add(row.born_on)
        index = await asyncio.to_thread(NameIndex, names)
        self._index, self._versions = index, lists
        self._born = {key: frozenset(days) for key, days in born.items()}
        return index


async def list_lists(uow: UnitOfWork) -> list[ScreeningList]:
    """Return the lists that were loaded."""
    rows = await uow.execute(
        """SELECT name, version, digest, entries, loaded_at FROM payments.screening_lists
            ORDER BY name"""
    )
    return [ScreeningList(**row._asdict()) for row in rows]


async def load_list(uow: UnitOfWork, *, name: str, content: bytes, now: datetime) -> ScreeningList:
    """Replace a list by the names of a CSV file in UTF-8: entry, name, born_on, country.

    Aliases are further lines of the same entry. The file is checked as a whole; raises
    ScreeningListInvalid with the first bad lines and why, and nothing changes.
    """
    if _LIST_NAME.fullmatch(name) is None:
        raise ScreeningListInvalid("a list's name has letters a-z, digits, - and _", field="name")
    rows = _read(content)
    digest = hashlib.sha256(content).digest()
    await uow.execute(
        """INSERT INTO payments.screening_lists AS l (name, version, digest, entries, loaded_at)
           VALUES (:name, 1, :digest, :entries, :now)
           ON CONFLICT (name) DO UPDATE
              SET version = l.version + 1, digest = excluded.digest, entries = excluded.entries,
                  loaded_at = excluded.loaded_at""",
        name=name,
        digest=digest,
        entries=len(rows),
        now=now,
    )
    await uow.execute("DELETE FROM payments.screening_names WHERE list = :name", name=name)
    columns = list(zip(*rows, strict=True))
    await uow.execute(
        """INSERT INTO payments.screening_names (list, place, entry, name, born_on, country)
           SELECT :list, n.place - 1, n.entry, n.name, n.born_on, n.country
             FROM unnest(CAST(:entries AS text[]), CAST(:names AS text[]),
                         CAST(:born AS date[]), CAST(:countries AS text[]))
                  WITH ORDINALITY n(entry, name, born_on, country, place)""",
        list=name,
        entries=list(columns[0]),
        names=list(columns[1]),
        born=list(columns[2]),
        countries=list(columns[3]),
    )
    details = {"sha256": digest.hex(), "entries": len(rows)}
    await audit.record(uow, action="payments.load_screening_list", subject=name, details=details)
    return next(each for each in await list_lists(uow) if each.name == name)


def _read(content: bytes) -> list[tuple[str, str, date | None, str | None]]:
    if len(content) > limits.SCREENING_FILE_BYTES_MAX:
        raise ScreeningListInvalid("the file is too large", field="file")
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        titles = next(lines, None)
        if titles != _TITLES:
            raise ScreeningListInvalid(f"the first line must be {','.join(_TITLES)}", field="file")
        rows: list[tuple[str, str, date | None, str | None]] = []
        problems: list[str] = []
        for number, cells in enumerate(lines, start=2):
            found = _read_line(cells)
            if isinstance(found, str):
                problems.append(f"line {number}: {found}")
            else:
                rows.append(found)
            if len(rows) + len(problems) > limits.SCREENING_NAMES_MAX:
                raise ScreeningListInvalid("the file has too many names", field="file")
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScreeningListInvalid("the file is no CSV in UTF-8", field="file") from error
    if problems:
        shown = "; ".join(problems[:_PROBLEMS_SHOWN_MAX])
        raise ScreeningListInvalid(
            f"{len(problems)} bad lines: {shown}", field="file", context={"lines": len(problems)}
        )
    if not rows:
        raise ScreeningListInvalid("the file has no names", field="file")
    return rows


def _read_line(cells: list[str]) -> tuple[str, str, date | None, str | None] | str:
    if len(cells) != len(_TITLES):
        return f"has {len(cells)} cells, not {len(_TITLES)}"
    entry, name, born, country = (cell.strip() for cell in cells)
    if not 1 <= len(entry) <= _ENTRY_LENGTH_MAX or not entry.isprintable():
        return f"entry must have 1 to {_ENTRY_LENGTH_MAX} characters"
    form = read_form(name)
    if len(name) > _NAME_LENGTH_MAX or not name.isprintable() or not (form.han or form.words):
        return f"name must have letters, and at most {_NAME_LENGTH_MAX} characters"
    if country and _COUNTRY.fullmatch(country) is None:
        return "country must be two capital letters"
    try:
        born_on = date.fromisoformat(born) if born else None
    except ValueError:
        return "born_on must be a day such as 1970-01-31"
    return entry, name, born_on, country or None
