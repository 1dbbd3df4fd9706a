"""The retention schedule: how long each class of data is kept, read from a data file."""

import calendar
from datetime import date, timedelta
from functools import cache
from typing import Final

import msgspec

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook, Unit
from huitong.privacy.data_files import DataFileInvalidError, Words, parse_file, read_file

_FILE: Final = "retention_schedule.yaml"
_MONTHS_OF_YEAR: Final = 12


class Period(msgspec.Struct, frozen=True):
    """A length of time, counted in the calendar."""

    years: int = 0
    months: int = 0
    days: int = 0

    def __str__(self) -> str:
        counts = {"years": self.years, "months": self.months, "days": self.days}
        return " ".join(f"{count} {word}" for word, count in counts.items() if count) or "0 days"

    def last_day(self, start_on: date) -> date:
        """Return the last day of the period that starts on a day.

        A month without that day ends it on its own last day (民法典 Art. 202): six months from
        2026-08-31 end on 2027-02-28.
        """
        return _add_months(start_on, self.years * _MONTHS_OF_YEAR + self.months) + timedelta(
            days=self.days
        )

    def cutoff(self, today: date) -> date:
        """Return a day so that every period that began on or before it is over today.

        At a month's end it may be up to three days earlier than it could: nothing goes too soon.
        """
        months = self.years * _MONTHS_OF_YEAR + self.months
        return _add_months(today - timedelta(days=self.days), -months) - timedelta(days=1)


class RetentionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One class of data: what its period starts with, how long it is, and the law behind it."""

    data_class: str
    title: Words
    starts: str
    source: str
    rule: str | None = None
    years: int = 0
    months: int = 0
    days: int = 0
    note: str | None = None

    def period(self, on: date, rulebook: Rulebook | None = None) -> Period:
        """Return the period as it holds on a business day."""
        if self.rule is None:
            return Period(years=self.years, months=self.months, days=self.days)
        rule = (rulebook or Rulebook.load()).rule(self.rule, on)
        assert isinstance(rule.value, int), f"{self.rule} counts time"
        match rule.unit:
            case Unit.YEARS:
                return Period(years=rule.value)
            case Unit.MONTHS:
                return Period(months=rule.value)
            case Unit.DAYS:
                return Period(days=rule.value)
        raise DataFileInvalidError(f"{self.rule} is in {rule.unit}, not in years, months or days")

    def describe(self, on: date) -> str:
        """Return the period and its source in one line, as evidence keeps them."""
        named = "" if self.rule is None else f" ({self.rule})"
        return f"{self.period(on)} from {self.starts}{named}; {self.source}"


class RetentionSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The periods of all classes of data."""

    classes: tuple[RetentionEntry, ...]

    @staticmethod
    def load() -> "RetentionSchedule":
        """Return the schedule that ships with us, read once in each process."""
        return _load()

    @staticmethod
    def parse(document: str) -> "RetentionSchedule":
        """Return the schedule that a YAML document writes; raises DataFileInvalidError."""
        return _check(parse_file(document.encode(), RetentionSchedule))

    def get(self, data_class: str) -> RetentionEntry:
        """Return the entry of a class; raises InvalidField if there is none."""
        for entry in self.classes:
            if entry.data_class == data_class:
                return entry
        known = ", ".join(entry.data_class for entry in self.classes)
        raise InvalidField(f"must be one of {known}", field="data_class")


def kept_until(data_class: str, start_on: date, *, on: date) -> date:
    """Return the last day on which data of a class must be kept, by the rules of the day `on`.

    Identity records of a relationship that ended on 2026-11-26 are kept until 2036-11-26.
    """
    return RetentionSchedule.load().get(data_class).period(on).last_day(start_on)


def _add_months(day: date, count: int) -> date:
    year, month = divmod(day.year * _MONTHS_OF_YEAR + day.month - 1 + count, _MONTHS_OF_YEAR)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def _check(read: RetentionSchedule) -> RetentionSchedule:
    names = [entry.data_class for entry in read.classes]
    if len(set(names)) != len(names):
        raise DataFileInvalidError("a class stands there twice")
    for entry in read.classes:
        if min(entry.years, entry.months, entry.days) < 0:
            raise DataFileInvalidError(f"{entry.data_class}: a period is not negative")
        if entry.rule is not None:
            if any((entry.years, entry.months, entry.days)):
                raise DataFileInvalidError(f"{entry.data_class}: has a rule and a period")
            if entry.rule not in Rulebook.load().keys:
                raise DataFileInvalidError(f"{entry.data_class}: there is no rule {entry.rule}")
    return read


@cache
def _load() -> RetentionSchedule:
    return _check(read_file(_FILE, RetentionSchedule))
