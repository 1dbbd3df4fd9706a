"""Which rates are believed: readings are checked against the clock, the last rate and reason."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import limits
from huitong.payments.crossborder import rate_store as store
from huitong.payments.crossborder.errors import PairNotOffered, RateUnavailable
from huitong.payments.crossborder.types import HOME, Rate, RateRefusal, RateState, Reading

_MARGIN_DECIMALS_MAX: Final = 6


class RateSource(Protocol):
    """Where rates of the market come from; what it says is checked here."""

    async def fetch(self) -> Sequence[Reading]:
        """Return what it says now, at most one reading for a currency; raises RateSourceFault."""
        ...


def list_currencies(rulebook: Rulebook, on: date) -> tuple[str, ...]:
    """Return the foreign currencies that are exchanged."""
    value = rulebook.rule("fx.currencies", on).value
    assert isinstance(value, tuple | list), "the rule lists texts"
    return tuple(str(each) for each in value)


def check_currency(rulebook: Rulebook, currency: str, on: date, *, field: str) -> None:
    """Refuse a currency that is not exchanged; raises PairNotOffered."""
    if currency != HOME and currency not in list_currencies(rulebook, on):
        raise PairNotOffered(f"{currency} is not exchanged", field=field)


def check_reading(
    reading: Reading, last: Rate | None, *, rulebook: Rulebook, now: datetime
) -> RateRefusal | None:
    """Return why a reading is not believed, or None if it is."""
    today = business_day(now)
    if reading.bid <= 0 or reading.ask <= 0:
        return RateRefusal.NOT_POSITIVE
    if reading.bid > reading.ask:
        return RateRefusal.CROSSED
    age = now - reading.quoted_at
    if age > timedelta(seconds=rulebook.integer("fx.rate.age.max", today)):
        return RateRefusal.STALE
    if age < -timedelta(seconds=limits.RATE_CLOCK_SKEW_SECONDS_MAX):
        return RateRefusal.FROM_THE_FUTURE
    if last is None:
        return None
    if reading.quoted_at < last.quoted_at:
        return RateRefusal.OLDER_THAN_LAST
    window = timedelta(minutes=rulebook.integer("fx.rate.move.window", today))
    moved = abs((reading.bid + reading.ask) / 2 - last.mid)
    if now - last.taken_at <= window and (
        moved > last.mid * rulebook.decimal("fx.rate.move.max", today)
    ):
        return RateRefusal.OUTLIER
    return None


async def take_readings(
    uow: UnitOfWork, readings: Sequence[Reading], *, rulebook: Rulebook, now: datetime
) -> dict[str, RateRefusal]:
    """Write down the readings that are believed, and return why each other currency has none.

    The first rate of a business day is the day's mid rate. What is refused leaves the last rate as
    it is, which is too old to quote from soon.
    """
    today = business_day(now)
    await store.lock_rates(uow)
    last = {state.currency: state.rate for state in await store.list_rates(uow)}
    said = {reading.currency: reading for reading in readings}
    refused: dict[str, RateRefusal] = {}
    for currency in list_currencies(rulebook, today):
        reading = said.get(currency)
        reason = (
            RateRefusal.MISSING
            if reading is None
            else check_reading(reading, last.get(currency), rulebook=rulebook, now=now)
        )
        if reading is None or reason is not None:
            refused[currency] = reason or RateRefusal.MISSING
            await store.refuse_rate(uow, currency, refused[currency], now=now)
            continue
        rate = Rate(
            currency=currency,
            bid=reading.bid,
            ask=reading.ask,
            quoted_at=reading.quoted_at,
            taken_at=now,
        )
        await store.set_rate(uow, rate)
        await store.set_day_rate(uow, rate, today)
    return refused


async def poll_rates(
    database: Database, source: RateSource, *, rulebook: Rulebook, now: datetime
) -> dict[str, RateRefusal]:
    """Ask the source, outside any transaction, and take what is believed.

    Raises RateSourceFault.
    """
    readings = await source.fetch()
    return await database.run(lambda uow: take_readings(uow, readings, rulebook=rulebook, now=now))


async def get_rates(
    uow: UnitOfWork, currencies: Sequence[str], *, rulebook: Rulebook, now: datetime
) -> dict[str, Rate]:
    """Return rates that one may quote from now; raises RateUnavailable."""
    oldest = now - timedelta(seconds=rulebook.integer("fx.rate.age.max", business_day(now)))
    known = {state.currency: state.rate for state in await store.list_rates(uow)}
    found: dict[str, Rate] = {}
    for currency in currencies:
        if currency == HOME:
            continue
        rate = known.get(currency)
        if rate is None or rate.quoted_at < oldest:
            raise RateUnavailable(f"there is no fresh rate of {currency}")
        found[currency] = rate
    return found


async def get_mids(
    uow: UnitOfWork, currencies: Sequence[str], *, now: datetime
) -> Mapping[str, Decimal]:
    """Return the day's mid rates, for quotas, limits and valuation; raises RateUnavailable.

    A day on which no rate came yet has the latest day's before it.
    """
    wanted = set(currencies) - {HOME}
    found = await store.list_mids(uow, business_day(now))
    missing = wanted - found.keys()
    if missing:
        found |= {
            currency: mid
            for currency, mid in (await store.list_latest_mids(uow, business_day(now))).items()
            if currency in missing
        }
    for currency in sorted(wanted - found.keys()):
        raise RateUnavailable(f"there is no mid rate of {currency}")
    return found


async def list_rate_states(uow: UnitOfWork) -> list[RateState]:
    """Return each currency's last rate and why the last one that was refused was."""
    return await store.list_rates(uow)


async def find_margin(
    uow: UnitOfWork,
    currencies: Sequence[str],
    is_business: bool,
    *,
    rulebook: Rulebook,
    on: date,
) -> Decimal:
    """Return the margin of an exchange: the larger of its two currencies'."""
    key = "fx.margin.business" if is_business else "fx.margin.person"
    margins = []
    for currency in currencies:
        if currency != HOME:
            agreed = await store.find_margin(uow, currency, is_business=is_business)
            margins.append(rulebook.decimal(key, on) if agreed is None else agreed)
    return max(margins)


def check_margin(rulebook: Rulebook, currency: str, margin: Decimal, on: date) -> None:
    """Refuse what could never be a margin; raises InvalidField, PairNotOffered."""
    if currency == HOME:
        raise PairNotOffered("CNY has no margin against itself", field="currency")
    check_currency(rulebook, currency, on, field="currency")
    most = rulebook.decimal("fx.margin.max", on)
    if not margin.is_finite() or not 0 <= margin <= most:
        raise InvalidField(f"must be from 0 to {most}", field="margin")
    if margin.as_tuple().exponent < -_MARGIN_DECIMALS_MAX:  # type: ignore[operator] # finite, so it is a number
        raise InvalidField("has at most six decimals", field="margin")
