"""Deals: an exchange, its position, its quota and its journal entry, all in one transaction.

The one lock of positions comes after rows of quotes and payments, and before the ledger's.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import Request, post_entries
from huitong.payments.crossborder import fx_store as store
from huitong.payments.crossborder.calculations import (
    apply_exchange,
    convert,
    value_in_home,
)
from huitong.payments.crossborder.errors import (
    PairNotOffered,
    PositionLimitExceeded,
)
from huitong.payments.crossborder.postings import (
    Move,
    exchange_moves,
    find_account,
    make_entry,
    result_move,
)
from huitong.payments.crossborder.quota import free_quota
from huitong.payments.crossborder.rates import check_currency, get_mids
from huitong.payments.crossborder.types import (
    HOME,
    Deal,
    DealKind,
    Position,
    Quote,
    ValuedPosition,
)
from huitong.payments.errors import make_refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What is exchanged: `giver`'s account gives `sell`, `taker`'s gets `buy`."""

    kind: DealKind
    sell: Money
    buy: Money
    cny: Money
    giver: int
    taker: int
    quote_id: uuid.UUID | None = None
    reverses: uuid.UUID | None = None
    party_id: uuid.UUID | None = None


async def make_deal(
    uow: UnitOfWork,
    exchange: Exchange,
    *,
    rulebook: Rulebook,
    more: Sequence[Move] = (),
    now: datetime,
) -> Deal:
    """Do an exchange: positions, what they realise, and one entry with `more` after it.

    Raises PositionLimitExceeded, except for a reversal, and what the ledger refuses.
    """
    now_ms = int(now.timestamp() * 1_000)
    await store.lock(uow)
    moves = await _list_moves(uow, exchange)
    before = {each.currency: each for each in await store.list_positions(uow)}
    changed, realised = _apply(exchange, before)
    if exchange.kind is not DealKind.REVERSAL:
        await _check_limits(uow, before, changed, rulebook=rulebook, now=now)
    for currency, minor in sorted(realised.items()):
        moves.append(await result_move(uow, currency, minor))
    deal = Deal(
        id=uuid7(now_ms),
        kind=exchange.kind,
        quote_id=exchange.quote_id,
        reverses=exchange.reverses,
        party_id=exchange.party_id,
        sell=exchange.sell,
        buy=exchange.buy,
        cny=exchange.cny,
        realised=Money(sum(realised.values()), HOME),
        entry_id=uuid7(now_ms),
        on_day=business_day(now),
        made_at=now,
    )
    await post(uow, deal.entry_id, [*moves, *more], now=now)
    for position in changed.values():
        await store.set_position(uow, position, now)
    await store.add_deal(uow, deal)
    return deal


async def _list_moves(uow: UnitOfWork, exchange: Exchange) -> list[Move]:
    return await exchange_moves(
        uow,
        kind=exchange.kind,
        sell=exchange.sell,
        buy=exchange.buy,
        cny=exchange.cny,
        giver=exchange.giver,
        taker=exchange.taker,
    )


async def post(
    uow: UnitOfWork, entry_id: uuid.UUID, moves: Sequence[Move], *, now: datetime
) -> None:
    """Post one entry; raises what the ledger refuses."""
    entry = make_entry(entry_id, moves, business_day(now), int(now.timestamp() * 1_000))
    (outcome,) = await post_entries(uow, [Request(entry)], now=now)
    if not outcome.is_posted:
        raise make_refusal(outcome)


def _apply(
    exchange: Exchange, before: dict[str, Position]
) -> tuple[dict[str, Position], dict[str, int]]:
    """Return the positions that change and what each realises: we buy what is sold to us."""
    changed: dict[str, Position] = {}
    realised: dict[str, int] = {}
    for money, sign in ((exchange.sell, 1), (exchange.buy, -1)):
        currency = money.currency
        if currency != HOME:
            position = before.get(currency) or Position(currency=currency)
            changed[currency], realised[currency] = apply_exchange(
                position, sign * money.minor, sign * exchange.cny.minor
            )
    return changed, realised


async def _check_limits(
    uow: UnitOfWork,
    before: dict[str, Position],
    changed: dict[str, Position],
    *,
    rulebook: Rulebook,
    now: datetime,
) -> None:
    """Refuse what takes a position, or all of them, further beyond its limit than it was."""
    today = business_day(now)
    after = before | changed
    mids = await get_mids(uow, tuple(after), now=now)
    most = rulebook.amount("fx.position.currency.max", today)
    for currency, position in changed.items():
        old = before.get(currency) or Position(currency=currency)
        size = abs(value_in_home(position.amount, currency, mids[currency]))
        grew = abs(position.amount) > abs(old.amount)
        if grew and size > most:
            raise PositionLimitExceeded(
                f"we do not take on that much {currency} now", context={"currency": currency}
            )
    total, total_before = _size(after, mids), _size(before, mids)
    if total > max(rulebook.amount("fx.position.total.max", today), total_before):
        raise PositionLimitExceeded("we do not take on that much foreign currency now")


def _size(positions: dict[str, Position], mids: Mapping[str, Decimal]) -> Money:
    return Money.total(
        [
            abs(value_in_home(each.amount, each.currency, mids[each.currency]))
            for each in positions.values()
        ],
        HOME,
    )


async def reverse_deal(
    uow: UnitOfWork,
    deal_id: uuid.UUID,
    *,
    giver: int,
    find_taker: Callable[[Money], Awaitable[int]],
    rulebook: Rulebook,
    more: Sequence[Move] = (),
    now: datetime,
) -> Deal:
    """Take a deal back at its own rate, with its quota.

    `giver` gives what was bought then; `find_taker` names the account for what was sold.

    The database lets a deal be taken back once.
    """
    deal = await store.find_deal(uow, deal_id)
    assert deal is not None, "a payment's deal stands"
    back = await make_deal(
        uow,
        Exchange(
            kind=DealKind.REVERSAL,
            sell=deal.buy,
            buy=deal.sell,
            cny=deal.cny,
            giver=giver,
            taker=await find_taker(deal.sell),
            reverses=deal.id,
            party_id=deal.party_id,
        ),
        rulebook=rulebook,
        more=more,
        now=now,
    )
    await free_quota(uow, deal, back)
    return back


def check_cover(*, amount: Money, rate: Decimal, rulebook: Rulebook, now: datetime) -> None:
    """Refuse what could never be a covering deal; raises InvalidField, PairNotOffered."""
    if amount.currency == HOME:
        raise PairNotOffered("CNY is not covered", field="amount.currency")
    check_currency(rulebook, amount.currency, business_day(now), field="amount.currency")
    if not amount.is_positive:
        raise InvalidField("must be above zero", field="amount")
    if not rate.is_finite() or rate <= 0:
        raise InvalidField("must be above zero", field="rate")
    if not convert(amount, rate, HOME).is_positive:
        raise InvalidField("the amount is worth nothing at this rate", field="amount")


async def cover(
    uow: UnitOfWork,
    *,
    amount: Money,
    rate: Decimal,
    is_purchase: bool,
    counterparty: str,
    rulebook: Rulebook,
    now: datetime,
) -> Deal:
    """Buy or sell a currency in the market at `rate` CNY for one unit, through our accounts there.

    Raises as `check_cover` does, and PositionLimitExceeded.
    """
    check_cover(amount=amount, rate=rate, rulebook=rulebook, now=now)
    cny = convert(amount, rate, HOME)
    foreign = await find_account(uow, "nostro", amount.currency)
    home = await find_account(uow, "nostro", HOME)
    sell, buy = (amount, cny) if is_purchase else (cny, amount)
    deal = await make_deal(
        uow,
        Exchange(
            kind=DealKind.COVER,
            sell=sell,
            buy=buy,
            cny=cny,
            giver=foreign if is_purchase else home,
            taker=home if is_purchase else foreign,
        ),
        rulebook=rulebook,
        now=now,
    )
    side = "buy" if is_purchase else "sell"
    details = {"amount": amount.format(), "rate": str(rate), "side": side, "with": counterparty}
    await audit.record(
        uow, action="payments.cover_position", subject=amount.currency, details=details
    )
    return deal


async def value_positions(uow: UnitOfWork, *, now: datetime) -> list[ValuedPosition]:
    """Return all positions at the day's mid rates; raises RateUnavailable."""
    positions = await store.list_positions(uow)
    mids = await get_mids(uow, [each.currency for each in positions], now=now)
    found = []
    for position in positions:
        mid = mids[position.currency]
        value = value_in_home(position.amount, position.currency, mid)
        found.append(
            ValuedPosition(
                position=position,
                mid=mid,
                value=value,
                unrealised=value - Money(position.cost, HOME),
            )
        )
    return found


def of_quote(quote: Quote, *, giver: int, taker: int) -> Exchange:
    """Return the exchange that a quote offered."""
    return Exchange(
        kind=DealKind.CUSTOMER,
        sell=quote.sell,
        buy=quote.buy,
        cny=quote.cny,
        giver=giver,
        taker=taker,
        quote_id=quote.id,
        party_id=quote.party_id,
    )
