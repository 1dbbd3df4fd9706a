"""Which system an outgoing attempt takes: the channel's own, or by amount, urgency and hours."""

import uuid
from datetime import datetime

from huitong.kernel.calendar import CalendarNotCovered, china_calendar
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments import clearing
from huitong.payments.rail_types import OrderRail, RailReason
from huitong.payments.store import rails as store


async def keep_rail(
    uow: UnitOfWork,
    *,
    channel_order_id: uuid.UUID,
    channel: str,
    amount: Money,
    is_urgent: bool,
    at: datetime,
) -> OrderRail | None:
    """Choose the system of an attempt that goes out at `at`, and keep it with the attempt.

    Nothing is kept for other currencies than CNY, and for a day whose calendar is not known yet:
    hours plan a payment, and must not stop it.
    """
    if amount.currency != clearing.CURRENCY:
        return None
    own = await store.find_channel_rail(uow, channel)
    if own is not None:
        reasons: tuple[RailReason, ...] = (
            RailReason(
                rail=own,
                zh=f"渠道 {channel} 经由该系统",
                en=f"channel {channel} is reached through it",
                rule=None,
            ),
        )
        rail, opens_at = own, None
    else:
        route = _route(amount, is_urgent=is_urgent, at=at)
        if route is None:
            return None
        rail, opens_at = route.rail, route.opens_at
        reasons = tuple(
            RailReason(rail=each.rail, zh=each.zh, en=each.en, rule=each.rule)
            for each in route.reasons
        )
    kept = OrderRail(
        channel_order_id=channel_order_id,
        rail=rail,
        is_urgent=is_urgent,
        opens_at=opens_at,
        reasons=reasons,
        planned_at=at,
    )
    await store.insert_rail(uow, kept)
    return kept


def _route(amount: Money, *, is_urgent: bool, at: datetime) -> clearing.Route | None:
    try:
        return clearing.route_payment(
            amount,
            is_urgent=is_urgent,
            now=at,
            calendar=china_calendar(),
            rulebook=Rulebook.load(),
        )
    except CalendarNotCovered:
        return None
