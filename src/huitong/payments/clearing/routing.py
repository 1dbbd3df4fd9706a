"""Which system an outgoing payment takes: pure, from amount, urgency, calendar and rulebook."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel.calendar import BusinessCalendar
from huitong.kernel.clock import SHANGHAI, as_utc, business_day
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Confidence, Enforcement, Rulebook
from huitong.payments.clearing.types import CURRENCY, Rail

_ZONE: Final = ZoneInfo(SHANGHAI)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a system was taken or not, in both languages, with the rule that says so.

    `enforcement` and `confidence` are those of the rule.
    """

    rail: Rail
    zh: str
    en: str
    rule: str
    enforcement: Enforcement
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Route:
    """The system for a payment; `opens_at` is when it opens next, None if it is open now."""

    rail: Rail
    opens_at: datetime | None
    reasons: tuple[Reason, ...]

    @property
    def is_open(self) -> bool:
        """Whether the payment can go now."""
        return self.opens_at is None


@dataclass(frozen=True, slots=True)
class Session:
    """One HVPS business day: `day`, from `opens_at` to before `closes_at`, in UTC."""

    day: date
    opens_at: datetime
    closes_at: datetime


def find_hvps_session(now: datetime, *, calendar: BusinessCalendar, rulebook: Rulebook) -> Session:
    """Return the HVPS business day that is open at `now`, or else the next one.

    The day of a working day D opens on the evening before D, whether that evening was worked or
    not, and closes on D: for Monday 2026-11-23 from Sunday 20:30 to Monday 17:15. Make-up working
    days are working days. Raises CalendarNotCovered, NoRuleInForce.
    """
    today = business_day(now)
    opens, closes = (_read_time(rulebook, f"rail.hvps.{end}", today) for end in ("opens", "closes"))
    day = calendar.roll_forward(today)
    for _ in range(2):
        session = Session(
            day=day,
            opens_at=as_utc(datetime.combine(day - timedelta(days=1), opens, _ZONE)),
            closes_at=as_utc(datetime.combine(day, closes, _ZONE)),
        )
        if now < session.closes_at:
            return session
        day = calendar.next_business_day(day)
    raise AssertionError("the session of a later day has not closed yet")


def route_payment(
    amount: Money,
    *,
    is_urgent: bool,
    now: datetime,
    calendar: BusinessCalendar,
    rulebook: Rulebook,
) -> Route:
    """Return the system for a payment to another bank, and why.

    Up to the BEPS cap: IBPS if it is urgent and within what IBPS is suggested for, else BEPS. Above
    it: HVPS; if HVPS is closed, an urgent one takes IBPS with a warning, because the IBPS cap is
    one that each bank sets (enforcement warn), and another one waits for HVPS. Raises InvalidField
    for an amount that is not positive CNY, CalendarNotCovered, NoRuleInForce.
    """
    if amount.currency != CURRENCY:
        raise InvalidField("domestic systems settle CNY only", field="amount")
    if not amount.is_positive:
        raise InvalidField("must be more than zero", field="amount")
    today = business_day(now)
    reasons = _Reasons(rulebook, today)
    if amount <= rulebook.amount("rail.beps.credit.max", today):
        return _route_small(amount, reasons, is_urgent=is_urgent)
    reasons.add(Rail.BEPS, "超过小额系统单笔上限", "above the BEPS cap", "rail.beps.credit.max")
    session = find_hvps_session(now, calendar=calendar, rulebook=rulebook)
    if session.opens_at <= now:
        reasons.add(
            Rail.HVPS,
            f"大额系统 {session.day} 业务日正在营业",
            f"HVPS is open for {session.day}",
            "rail.hvps.closes",
        )
        return Route(Rail.HVPS, None, reasons.as_tuple())
    reasons.add(Rail.HVPS, "大额系统未营业", "HVPS is closed", "rail.hvps.opens")
    if is_urgent:
        reasons.add(
            Rail.IBPS,
            "紧急：网银互联，超过建议的单笔上限",
            "urgent: IBPS, above the suggested cap",
            "rail.ibps.transaction.max",
        )
        return Route(Rail.IBPS, None, reasons.as_tuple())
    local = session.opens_at.astimezone(_ZONE)
    reasons.add(
        Rail.HVPS,
        f"等待大额系统 {local:%Y-%m-%d %H:%M} 开始的 {session.day} 业务日",
        f"waits for HVPS to open at {local:%Y-%m-%d %H:%M} for {session.day}",
        "rail.hvps.opens",
    )
    return Route(Rail.HVPS, session.opens_at, reasons.as_tuple())


def _route_small(amount: Money, reasons: "_Reasons", *, is_urgent: bool) -> Route:
    if is_urgent:
        key = "rail.ibps.transaction.max"
        if amount <= reasons.rulebook.amount(key, reasons.on):
            reasons.add(Rail.IBPS, "紧急且在建议上限内", "urgent and within the suggested cap", key)
            return Route(Rail.IBPS, None, reasons.as_tuple())
        reasons.add(Rail.IBPS, "超过网银互联建议上限", "above the suggested IBPS cap", key)
    reasons.add(Rail.BEPS, "在小额系统单笔上限内", "within the BEPS cap", "rail.beps.credit.max")
    reasons.add(Rail.BEPS, "小额系统全天候营业", "BEPS is always open", "rail.beps.always_open")
    return Route(Rail.BEPS, None, reasons.as_tuple())


class _Reasons:
    """Reasons as they come up, each with the rule behind it."""

    def __init__(self, rulebook: Rulebook, on: date) -> None:
        self.rulebook, self.on = rulebook, on
        self._found: list[Reason] = []

    def add(self, rail: Rail, zh: str, en: str, key: str) -> None:
        rule = self.rulebook.rule(key, self.on)
        self._found.append(Reason(rail, zh, en, key, rule.enforcement, rule.confidence))

    def as_tuple(self) -> tuple[Reason, ...]:
        return tuple(self._found)


def _read_time(rulebook: Rulebook, key: str, on: date) -> time:
    return time.fromisoformat(rulebook.text(key, on))
