"""Published unit tests of level payments (Apache Fineract's progressive calculator).

The file names some amounts, days and rates by variables only. What can be told from the figures
that it prints is taken from there: how much was lent from balance and principal of the first row,
a new rate from the rate factors, the day and the instalment of a payment from the only ones that
give the figures: beginnings of periods, and days at which the printed factors cut a period.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, Final, NamedTuple

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
    share_of_year,
)
from huitong.lending.tie_out.results import NotCovered, Tie

_FACTOR, _LEVEL = 3, 2
_WHOLE_ROW: Final = 0
_RATE_PLACES: Final = 8
#: Factors are printed with twelve places.
_FACTOR_CLOSE: Final = Decimal("1e-9")


def compare_level_payments(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield a tie for each printed row."""
    for case in cases:
        yield from _Case(case["test"]).play(case["events"])


class _Untold(NamedTuple):
    amount: int
    due: date | None


class _Case:
    def __init__(self, name: str) -> None:
        self._name = name
        self._terms: dict[str, Any] = {}
        self._periods: list[Period] = []
        self._lent: list[Disbursement] = []
        self._early: list[EarlyPrincipal] = []
        self._changes: list[RateChange] = []
        self._is_change_open = False
        #: Principal paid early, whose day or instalment the file names by a variable.
        self._untold: _Untold | None = None
        self._cuts: set[date] = set()
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
        if name == "addDisbursement" and days:
            self._lent.append(Disbursement(days[0], self._terms["disbursedAmount"]))
        elif name == "changeInterestRate":
            self._is_change_open = True
        elif name == "payPrincipal" and self._untold is None:
            self._pay_principal(days, args.rsplit(", ", maxsplit=1)[-1])
        elif name not in {"payInterest", "addBalanceCorrection"}:
            raise NotCovered(f"{name} on a day that the file does not tell")

    def _pay_principal(self, days: list[date], amount: str) -> None:
        printed = re.search(r"toMoney\(([\d.]+)\)", amount)
        paid = _minor(printed[1]) if printed else self._terms.get(amount)
        if paid is None:
            raise NotCovered("payPrincipal of an amount that the file does not tell")
        if len(days) == len(Period._fields):
            self._early.append(EarlyPrincipal(days[0], days[1], paid))
        else:
            self._untold = _Untold(paid, days[0] if days else None)

    def _compare(self, checks: list[list[float]]) -> Iterator[Tie]:
        whole = [check for check in checks if check[1] == _WHOLE_ROW]
        if not whole:
            return
        self._cuts = set(self._list_cuts(checks))
        if self._not_covered is None:
            self._infer(whole)
        if self._is_change_open and self._not_covered is None:
            self._is_change_open = False
            self._infer_rate(checks)
        if self._untold is not None and self._not_covered is None:
            self._infer_payment(self._untold, whole)
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

    def _list_cuts(self, checks: list[list[float]]) -> Iterator[date]:
        """Yield the days at which rows of more than one part are cut, by their factors."""
        for place, period in enumerate(self._periods):
            factors = [each[_FACTOR] for each in checks if int(each[0]) == place]
            for parts in range(1, len(factors)):
                share = sum(factors[:parts]) / sum(factors)
                yield period.start + timedelta(days=round(share * (period.due - period.start).days))

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

    def _infer_payment(self, untold: _Untold, checks: list[list[float]]) -> None:
        """Take the only day and instalment of a payment by which every row is as printed."""
        self._untold = None
        known, fitting = list(self._early), []
        dues = [untold.due] if untold.due else [each.due for each in self._periods]
        days = {each.start for each in self._periods} | self._cuts
        for due, on in product(dues, sorted(days)):
            self._early = [*known, EarlyPrincipal(due, on, untold.amount)]
            if on < due and all(self._differ(check) is None for check in checks):
                fitting.append(self._early)
        self._early = fitting[0] if len(fitting) == 1 else known
        if len(fitting) != 1:
            paid = f"{untold.amount // 100}.{untold.amount % 100:02}"
            count = len(fitting) or "no"
            self._not_covered = f"{count} days of payPrincipal of {paid} give the printed figures"

    def _infer_rate(self, checks: list[list[float]]) -> None:
        """Take the new rate from the last row's factor, its day from the first row it shows in."""
        old, shares = self._plan().annual_rate, [self._share(*each) for each in self._periods]
        factors = [
            sum(Decimal(repr(each[_FACTOR])) for each in checks if int(each[0]) == place)
            for place in range(len(shares))
        ]
        new = round(factors[-1] / shares[-1], _RATE_PLACES)
        for period, share, factor in zip(self._periods, shares, factors, strict=True):
            if abs(factor - old * share) < _FACTOR_CLOSE:
                continue
            for number in range((period.due - period.start).days):
                on = period.start + timedelta(days=number)
                mixed = old * self._share(period.start, on) + new * self._share(on, period.due)
                if abs(factor - mixed) < _FACTOR_CLOSE:
                    self._changes = [RateChange(on, new)]
                    return
        self._not_covered = "a new rate that the figures do not tell"

    def _share(self, start: date, end: date) -> Decimal:
        """Return the share of a year between two days of one period."""
        plan = self._plan()
        period = next(each for each in self._periods if each.start <= start < each.due)
        numerator, denominator = share_of_year(plan.day_count, plan.cycle, period, start, end)
        return Decimal(numerator) / denominator

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
