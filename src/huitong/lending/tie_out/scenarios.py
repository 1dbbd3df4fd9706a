"""Published scenarios of loans that run, replayed step by step.

A scenario is a list of sentences: what was lent and paid when, and tables of the schedule that must
come of it.
"""

from collections.abc import Iterator
from typing import Any, Final

from huitong.lending.servicing import Instalment
from huitong.lending.tie_out.reading import read_amount, read_day
from huitong.lending.tie_out.results import NotCovered, Tie
from huitong.lending.tie_out.sentences import take
from huitong.lending.tie_out.story import Story

_AMOUNTS: Final = ("Balance of loan", "Principal due", "Interest", "Fees", "Penalties", "Due",
                   "Paid", "In advance", "Late", "Outstanding")  # fmt: skip


def compare_scenarios(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield one tie for each table of a schedule."""
    for case in cases:
        for place, difference in enumerate(_play(case["steps"]), 1):
            yield Tie(f"{case['id']} table {place}", difference)


def _play(steps: list[dict[str, Any]]) -> Iterator[str | None]:
    """Yield for each table of a schedule what is wrong with it, or None."""
    story, not_covered = Story(), None
    for step in steps:
        text = step["text"]
        if text.startswith("Loan Repayment schedule has") and "periods" in text:
            yield not_covered or _compare(story, step["table"])
        elif not_covered is None:
            try:
                take(text, step.get("table") or [], story)
            except (NotCovered, ValueError) as reason:
                not_covered = f"not covered: {reason}"


def _compare(story: Story, table: list[dict[str, str]]) -> str | None:
    try:
        loan = story.replay()
    except (NotCovered, ValueError) as reason:
        return f"not covered: {reason}"
    rows = zip(loan.instalments, loan.balances(), strict=True)
    found = [_show(*row) for row in rows]
    expected = [_read(row) for row in table if row["Principal due"]]
    if len(found) != len(expected):
        return f"{len(found)} rows instead of {len(expected)}"
    pairs = enumerate(zip(found, expected, strict=True), 1)
    wrong = [str(number) for number, (ours, theirs) in pairs if ours != theirs]
    return f"rows {', '.join(wrong)} differ" if wrong else None


def _show(instalment: Instalment, balance: int) -> tuple[Any, ...]:
    owed, paid = instalment.owed, sum(instalment.paid)
    settled = instalment.settled_on if instalment.open == 0 else None
    return (
        instalment.due, settled, balance, *owed, sum(owed), paid,
        instalment.paid_early, instalment.paid_late, instalment.open,
    )  # fmt: skip


def _read(row: dict[str, str]) -> tuple[Any, ...]:
    paid_on = read_day(row["Paid date"]) if row["Paid date"] else None
    return (read_day(row["Date"]), paid_on, *(read_amount(row[key]) for key in _AMOUNTS))
