"""Published schedules straight after a loan is lent (Apache Fineract)."""

from collections.abc import Iterator
from typing import Any

from huitong.lending.schedules import Disbursement
from huitong.lending.tie_out.products import read_product
from huitong.lending.tie_out.reading import read_amount, read_day
from huitong.lending.tie_out.results import NotCovered, Tie


def compare_first_schedules(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield a tie for each schedule: days, principal, interest and balance of each line."""
    for case in cases:
        first, *rows = case["expected_schedule"]
        due = [row for row in rows if row["Principal due"]]
        expected = [
            (read_day(row["Date"]), *(read_amount(row[key]) for key in _AMOUNTS)) for row in due
        ]
        try:
            product = read_product(case["terms"])
            lent = read_amount(first["Balance of loan"])
            plan = product.make_plan([Disbursement(read_day(first["Date"]), lent)])
            found = [tuple(row) for row in product.make_schedule(plan)]
        except (NotCovered, ValueError) as reason:
            yield Tie(case["id"], f"not covered: {reason}")
            continue
        yield Tie(case["id"], None if found == expected else "lines differ")


_AMOUNTS = ("Principal due", "Interest", "Balance of loan")
