"""The chart of accounts: which kinds of account there are, and on which side each one grows.

The chart is data (`chart.yaml`), so that another jurisdiction is another file. It may grow and its
names may be put better; the kind of a code that is in use never changes, because every statement
ever made would then mean something else.
"""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.yaml_text import read_yaml
from huitong.ledger.types import Side

_MEMBERS: Final = frozenset({"code", "kind", "zh", "en"})

_INSTALL: Final = """
    INSERT INTO ledger.chart AS c (code, name_en, name_zh, kind, normal_side)
    VALUES (:code, :name_en, :name_zh, :kind, :normal_side)
    ON CONFLICT (code) DO UPDATE SET name_en = excluded.name_en, name_zh = excluded.name_zh
    WHERE (c.name_en, c.name_zh) <> (excluded.name_en, excluded.name_zh)
    RETURNING code
"""
_LIST: Final = "SELECT code, name_en, name_zh, kind FROM ledger.chart ORDER BY code"


class ChartKind(StrEnum):
    """What an account is in the balance sheet or the income statement."""

    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"

    @property
    def normal_side(self) -> Side:
        """The side on which such an account grows."""
        return Side.DEBIT if self in (ChartKind.ASSET, ChartKind.EXPENSE) else Side.CREDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartCode:
    """One code of the chart, such as 2011.01 客户余额—个人."""

    code: str
    name_en: str
    name_zh: str
    kind: ChartKind

    @property
    def normal_side(self) -> Side:
        """The side on which accounts of this code grow."""
        return self.kind.normal_side


@cache
def load_chart() -> tuple[ChartCode, ...]:
    """Return the chart that ships with us, in the order of its codes.

    Raises ValueError for a member that is unknown or missing, a code that is there twice, and a
    sub-account whose parent is missing or of another kind.
    """
    text = (files("huitong.ledger") / "chart.yaml").read_text(encoding="utf-8")
    chart = tuple(_read(entry) for entry in read_yaml(text)["accounts"])
    twice = [code for code, times in Counter(each.code for each in chart).items() if times > 1]
    if twice:
        raise ValueError(f"The chart of accounts has these codes twice: {', '.join(twice)}")
    kinds = {each.code: each.kind for each in chart}
    for each in chart:
        if kinds.get(each.code.partition(".")[0]) is not each.kind:
            raise ValueError(f"The chart code {each.code} has no parent of the same kind")
    return tuple(sorted(chart, key=lambda each: each.code))


async def install_chart(uow: UnitOfWork) -> int:
    """Write the chart that ships with us into the database; returns how many codes changed.

    Doing it again changes nothing. Raises ValueError if a code is in the database with another
    kind: accounts of that code were kept on the other side.
    """
    installed = {each.code: each.kind for each in await list_chart(uow)}
    changed = 0
    for each in load_chart():
        if installed.get(each.code, each.kind) is not each.kind:
            raise ValueError(
                f"The chart code {each.code} is {installed[each.code]} in this database and "
                f"{each.kind} in the chart: a code in use cannot change its kind"
            )
        changed += len(
            await uow.execute(
                _INSTALL,
                code=each.code,
                name_en=each.name_en,
                name_zh=each.name_zh,
                kind=each.kind.value,
                normal_side=each.normal_side.value,
            )
        )
    return changed


async def list_chart(uow: UnitOfWork) -> tuple[ChartCode, ...]:
    """Return the chart as it is in the database, in the order of its codes."""
    return tuple(
        ChartCode(code=row.code, name_en=row.name_en, name_zh=row.name_zh, kind=ChartKind(row.kind))
        for row in await uow.execute(_LIST)
    )


def _read(entry: dict[str, str]) -> ChartCode:
    if entry.keys() != _MEMBERS:
        raise ValueError(f"A chart entry has {sorted(_MEMBERS)}, not {sorted(entry)}: {entry}")
    return ChartCode(
        code=entry["code"], name_en=entry["en"], name_zh=entry["zh"], kind=ChartKind(entry["kind"])
    )
