"""Published scenarios of loans that run, replayed step by step.

A scenario is a list of sentences: what was lent and paid when, and tables of the schedule that must
come of it, row by row and in total.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from huitong.lending.servicing import Instalment, Loan
from huitong.lending.tie_out.reading import read_amount, read_day
from huitong.lending.tie_out.results import NotCovered, Tie
from huitong.lending.tie_out.sentences import take
from huitong.lending.tie_out.story import Story

_PARTS: Final = ("Principal due", "Interest", "Fees", "Penalties", "Due", "Paid", "In advance",
                 "Late", "Outstanding")  # fmt: skip
_COLUMNS: Final = ("Date", "Paid date", "Balance of loan", *_PARTS)
_UNIT: Final = 100
_Table = list[dict[str, str]]
_Cells = tuple[date | int | None, ...]


def compare_scenarios(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield one tie for each table of a schedule, and one for each row of totals."""
    for case in cases:
        for name, difference in _play(case["steps"]):
            yield Tie(f"{case['id']} {name}", difference)


def _play(steps: list[dict[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Yield for each table of a schedule, and each total, what is wrong with it, or None."""
    story, not_covered, table = Story(), None, 0
    for step in steps:
        text = step["text"]
        if text.startswith("Loan Repayment schedule has") and "periods" in text:
            table += 1
            yield f"table {table}", not_covered or _compare(story, step["table"], _differ)
        elif text.startswith("Loan Repayment schedule has") and "Total row" in text:
            yield f"total {table}", not_covered or _compare(story, step["table"], _differ_in_total)
        elif not_covered is None:
            try:
                take(text, step.get("table") or [], story)
            except (NotCovered, ValueError) as reason:
                not_covered = f"not covered: {reason}"


def _compare(
    story: Story, table: _Table, differ: Callable[[Story, Loan, _Table], str | None]
) -> str | None:
    try:
        difference = differ(story, story.replay(), table)
        if difference is not None and _ties_in_minor_units(story, table, differ):
            difference += "; ties with level payments in minor units, not in whole ones"
    except (NotCovered, ValueError) as reason:
        rows = sum(bool(row["Principal due"]) for row in table)
        count = story.product.count if story.product else 0
        other = f"; the table has {rows} rows, the terms {count} payments" if rows < count else ""
        return f"not covered: {reason}{other if differ is _differ else ''}"
    return difference


def _ties_in_minor_units(
    story: Story, table: _Table, differ: Callable[[Story, Loan, _Table], str | None]
) -> bool:
    """Return whether a table is that of the same product with another rounding of payments."""
    product = story.terms
    story.product = replace(product, multiple=1)
    try:
        return product.multiple != 1 and differ(story, story.replay(), table) is None
    finally:
        story.product = product


def _differ(story: Story, loan: Loan, table: _Table) -> str | None:
    found = [_show(*row) for row in zip(loan.instalments, loan.balances(), strict=True)]
    expected = [_read(row) for row in table if row["Principal due"]]
    if len(found) != len(expected):
        agreed = story.terms.count
        return f"{len(found)} rows instead of {len(expected)}; the terms say {agreed} payments"
    pairs = enumerate(zip(found, expected, strict=True), 1)
    wrong = {number: _list_wrong(_COLUMNS, *pair) for number, pair in pairs}
    named = [f"row {number}: {'; '.join(each)}" for number, each in wrong.items() if each]
    return "; ".join(named) or None


def _differ_in_total(story: Story, loan: Loan, table: _Table) -> str | None:
    (row,) = table
    rows = [_show_parts(each) for each in loan.instalments]
    at_once = story.charged_at_lending
    extra = (0, 0, at_once, 0, at_once, at_once, 0, 0, 0)
    found = tuple(map(sum, zip(extra, *rows, strict=True)))
    expected = tuple(read_amount(row[key]) for key in _PARTS)
    return "; ".join(_list_wrong(_PARTS, found, expected)) or None


def _list_wrong(names: Sequence[str], found: _Cells, expected: _Cells) -> list[str]:
    cells = zip(names, found, expected, strict=True)
    return [
        f"{name} is {_print(ours)}, not {_print(theirs)}"
        for name, ours, theirs in cells
        if ours != theirs
    ]


def _print(cell: date | int | None) -> str:
    if isinstance(cell, int):
        return f"{cell // _UNIT}.{cell % _UNIT:02}"
    return cell.isoformat() if cell else "nothing"


def _show(instalment: Instalment, balance: int) -> _Cells:
    settled = instalment.settled_on if instalment.open == 0 else None
    return (instalment.due, settled, balance, *_show_parts(instalment))


def _show_parts(instalment: Instalment) -> tuple[int, ...]:
    owed, paid = instalment.owed, sum(instalment.paid)
    return (
        *owed, sum(owed), paid, instalment.paid_early, instalment.paid_late, instalment.open,
    )  # fmt: skip


def _read(row: dict[str, str]) -> _Cells:
    paid_on = read_day(row["Paid date"]) if row["Paid date"] else None
    amounts = (read_amount(row[key]) for key in ("Balance of loan", *_PARTS))
    return (read_day(row["Date"]), paid_on, *amounts)
