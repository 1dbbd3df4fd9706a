"""Published unit tests of level payments (Apache Fineract's progressive calculator).

The file names some amounts, days and rates by variables only. What can be told from the figures
that it prints is taken from there: how much was lent from balance and principal of the first row,
a new rate from the rate factors. Payments on days that it does not tell end what can be compared.
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final

from huitong.lending.schedules import (
    Cycle,
    DayCount,
    Disbursement,
    EarlyPrincipal,
    MonthBasis,
    Period,
    Plan,
    RateChange,
    TimeUnit,
    YearBasis,
    make_schedule,
)
from huitong.lending.tie_out.results import NotCovered, Tie

_FACTOR, _LEVEL = 3, 2
_WHOLE_ROW: Final = 0


def compare_level_payments(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield a tie for each printed row."""
    for case in cases:
        yield from _Case(case["test"]).play(case["events"])


class _Case:
    def __init__(self, name: str) -> None:
        self._name = name
        self._terms: dict[str, Any] = {}
        self._periods: list[Period] = []
        self._lent: list[Disbursement] = []
        self._early: list[EarlyPrincipal] = []
        self._changes: list[RateChange] = []
        self._is_change_open = False
        self._not_covered: str | None = None

    def play(self, events: list[dict[str, Any]]) -> Iterator[Tie]:
        checks: list[list[float]] = []
        for event in [*events, {}]:
            if "check" in event:
                checks.append(event["check"])
                continue
            yield from self._compare(checks)
            checks = []
            try:
                self._take(event)
            except NotCovered as reason:
                self._not_covered = str(reason)

    def _take(self, event: dict[str, Any]) -> None:
        if "period" in event:
            self._periods.append(Period(_read_day(event["from"]), _read_day(event["due"])))
        elif "call" in event:
            self._call(event["call"], event["args"])
        elif "money_var" in event:
            self._terms[event["money_var"]] = _minor(event["value"])
        else:
            self._terms |= event

    def _call(self, name: str, args: str) -> None:
        days = [_read_day(each) for each in re.findall(r"LocalDate.of\(([^)]*)\)", args)]
        amount = re.search(r"toMoney\(([\d.]+)\)", args)
        if name == "addDisbursement" and days:
            self._lent.append(Disbursement(days[0], self._terms["disbursedAmount"]))
        elif name == "changeInterestRate":
            self._is_change_open = True
        elif name == "payPrincipal" and len(days) == len(Period._fields) and amount:
            self._early.append(EarlyPrincipal(days[0], days[1], _minor(amount[1])))
        elif name not in {"payInterest", "addBalanceCorrection"}:
            raise NotCovered(f"{name} on a day that the file does not tell")

    def _compare(self, checks: list[list[float]]) -> Iterator[Tie]:
        whole = [check for check in checks if check[1] == _WHOLE_ROW]
        if not whole:
            return
        if self._not_covered is None:
            self._infer(whole)
        for check in whole:
            yield Tie(f"{self._name} row {int(check[0]) + 1}", self._differ(check))

    def _differ(self, check: list[float]) -> str | None:
        if self._not_covered is not None:
            return f"not covered: {self._not_covered}"
        row = make_schedule(self._plan())[int(check[0])]
        # What is lent or paid early on the due day is in the published balance already.
        balance = row.balance + sum(each.amount for each in self._lent if each.on == row.due)
        balance -= sum(each.amount for each in self._early if each.on == row.due)
        found = (row.payment, row.interest, row.principal, balance)
        expected = (_minor(check[_LEVEL]), *(_minor(each) for each in check[-3:]))
        return None if found == expected else f"{found} instead of {expected}"

    def _infer(self, checks: list[list[float]]) -> None:
        """Take from the printed figures what the file names by variables."""
        first = checks[0]
        if int(first[0]) == 0 and len(self._lent) > 1 and self._lent[-1].on < self._periods[0].due:
            early = sum(each.amount for each in self._early if each.on < self._periods[0].due)
            total = _minor(first[-1]) + _minor(first[-2]) + early
            known = sum(each.amount for each in self._lent[:-1])
            day = self._lent[-1].on
            same = [each for each in self._lent if each.on == day]
            others = total - (known + self._lent[-1].amount - sum(each.amount for each in same))
            kept = [each for each in self._lent if each.on != day]
            self._lent = [*kept, Disbursement(day, others)]
        if self._is_change_open:
            self._is_change_open = False
            self._infer_rate(checks)

    def _infer_rate(self, checks: list[list[float]]) -> None:
        year = YearBasis(_basis(self._terms["DaysInYearType"]))
        if year is not YearBasis.DAYS_360 or self._terms["DaysInMonthType"] != "DAYS_30":
            self._not_covered = "a new rate that the file does not tell"
            return
        for check in checks[1:]:
            if abs(check[_FACTOR] - checks[1][_FACTOR]) < 1e-12:  # noqa: PLR2004 - as printed
                rate = Decimal(repr(check[_FACTOR])) * 12 / self._terms["repayEvery"]
                start = self._periods[int(check[0])].start
                self._changes = [RateChange(start, round(rate, 8))]
                return

    def _plan(self) -> Plan:
        terms = self._terms
        is_30 = terms["DaysInMonthType"] == "DAYS_30"
        return Plan(
            periods=tuple(self._periods),
            cycle=Cycle(terms["repayEvery"], TimeUnit(terms["frequency"].lower())),
            day_count=DayCount(
                YearBasis(_basis(terms["DaysInYearType"])),
                MonthBasis.DAYS_30 if is_30 else MonthBasis.ACTUAL,
            ),
            annual_rate=Decimal(repr(terms["annual_rate_percent"])) / 100,
            disbursements=tuple(self._lent),
            rate_changes=tuple(self._changes),
            early=tuple(self._early),
        )


def _basis(name: str) -> str:
    return name.removeprefix("DAYS_").lower()


def _read_day(text: str) -> date:
    year, month, day = (int(each) for each in re.findall(r"\d+", text))
    return date(year, month, day)


def _minor(amount: float | str) -> int:
    return round(Decimal(str(amount)) * 100)
