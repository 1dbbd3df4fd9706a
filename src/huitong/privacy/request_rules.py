"""What people may ask, the reasons for refusing it, and the days by which it is answered."""

from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

import msgspec

from huitong.kernel.calendar import BusinessCalendar, CalendarNotCovered, china_calendar
from huitong.kernel.clock import business_day
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.privacy.data_files import DataFileInvalidError, Words, parse_file, read_file
from huitong.privacy.records import RequestKind

_FILE: Final = "request_rules.yaml"


class KindRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of request is called, and the article that gives the right."""

    title: Words
    article: str


class RefusalRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the person is told, and the law behind it."""

    words: Words
    source: str


class RequestRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All kinds of requests and all reasons for refusing one."""

    kinds: dict[str, KindRule]
    refusals: dict[str, RefusalRule]

    @staticmethod
    def load() -> "RequestRules":
        """Return the rules that ship with us, read once in each process."""
        return _load()

    @staticmethod
    def parse(document: str) -> "RequestRules":
        """Return the rules that a YAML document writes; raises DataFileInvalidError."""
        return _check(parse_file(document.encode(), RequestRules))

    def check_refusal(self, code: str) -> None:
        """Raise InvalidField if there is no such reason."""
        if code not in self.refusals:
            raise InvalidField(f"must be one of {', '.join(self.refusals)}", field="reason")


def deadlines(
    received_at: datetime,
    *,
    rulebook: Rulebook | None = None,
    calendar: BusinessCalendar | None = None,
) -> tuple[date, date]:
    """Return our own deadline and the last day permitted, for a request received at an instant.

    15 business days and 30 days after the day of receipt in Asia/Shanghai (GB/T 35273, the rules
    `privacy.rights.reply.*`); our own is never later than the last. Received on 2026-09-28: 15
    business days over the National Day holidays end on 2026-10-23, 30 days on 2026-10-28. Where
    next year's holidays are not published yet, plain days are counted, which end earlier.
    """
    book, day = rulebook or Rulebook.load(), business_day(received_at)
    latest_on = day + timedelta(days=book.integer("privacy.rights.reply.days", day))
    count = book.integer("privacy.rights.reply.working_days", day)
    try:
        due_on = (calendar or china_calendar()).add_business_days(day, count)
    except CalendarNotCovered:
        due_on = day + timedelta(days=count)
    return min(due_on, latest_on), latest_on


def _check(read: RequestRules) -> RequestRules:
    if read.kinds.keys() != {kind.value for kind in RequestKind}:
        raise DataFileInvalidError(f"kinds must be {', '.join(RequestKind)}")
    if not read.refusals:
        raise DataFileInvalidError("there is no reason for refusing")
    return read


@cache
def _load() -> RequestRules:
    return _check(read_file(_FILE, RequestRules))
