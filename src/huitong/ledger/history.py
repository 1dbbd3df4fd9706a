"""Balances of the past: as recorded at an instant, and by business day as known today.

The two differ on purpose. "What did the account hold at 10:00?" goes by when we recorded a
movement; "what is the balance of 30 September?" goes by the business day that it belongs to, and
a correction made in October may still change the answer.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from huitong.kernel.clock import as_utc
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import NotFound
from huitong.kernel.money import Money
from huitong.ledger.numbers import show_account
from huitong.ledger.statements import find_line_at, get_head
from huitong.ledger.types import Side

# Watermark and movements in one snapshot. Without a movement the sums are of no rows, and zero.
_MOVED: Final = """
    SELECT a.currency, c.normal_side, p.sequence AS projected,
           b.is_called AND (b.last_value << 16) | 65535 > p.sequence AS has_tail,
           m.debits, m.credits
      FROM ledger.accounts a
      JOIN ledger.chart c ON c.code = a.chart_code
     CROSS JOIN ledger.projection p
     CROSS JOIN ledger.batches b
     CROSS JOIN (SELECT coalesce(sum(debits), 0)::bigint AS debits,
                        coalesce(sum(credits), 0)::bigint AS credits
                   FROM ledger.movements
                  WHERE account_id = :account_id AND effective_on <= :day) m
     WHERE a.id = :account_id
"""
_MOVED_IN_TAIL: Final = """
    SELECT coalesce(sum(amount) FILTER (WHERE debit_account_id = :account_id), 0)::bigint AS debits,
           coalesce(sum(amount) FILTER (WHERE credit_account_id = :account_id), 0)::bigint
               AS credits
      FROM ledger.transfers
     WHERE sequence > :projected AND kind IN (0, 2) AND effective_on <= :day
       AND (debit_account_id = :account_id OR credit_account_id = :account_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBalance:
    """What was posted to an account up to the end of a business day, as known today."""

    account_id: int
    on_day: date
    debits: Money
    credits: Money
    balance: Money


async def get_balance_at(uow: UnitOfWork, account_id: int, instant: datetime) -> Money:
    """Return the posted balance, on the normal side, of all that was recorded up to `instant`.

    Holds do not count. Raises NotFound, ValueError for an instant without a time zone.
    """
    head = await get_head(uow, account_id)
    _, balance = await find_line_at(uow, account_id, head, as_utc(instant))
    return _on_normal_side(balance, head.currency, head.normal_side)


async def get_balance_on(uow: UnitOfWork, account_id: int, day: date) -> DayBalance:
    """Return what was posted with an effective day of `day` or before, as known now.

    Raises NotFound.
    """
    row = await uow.fetch_one(_MOVED, account_id=account_id, day=day)
    if row is None:
        shown = show_account(account_id)
        raise NotFound(f"there is no account {shown}", context={"id": shown})
    debits, credits_ = row.debits, row.credits
    if row.has_tail:
        tail = await uow.fetch_one(
            _MOVED_IN_TAIL, account_id=account_id, day=day, projected=row.projected
        )
        assert tail is not None
        debits, credits_ = debits + tail.debits, credits_ + tail.credits
    return DayBalance(
        account_id=account_id,
        on_day=day,
        debits=Money(debits, row.currency),
        credits=Money(credits_, row.currency),
        balance=_on_normal_side(credits_ - debits, row.currency, Side(row.normal_side)),
    )


def _on_normal_side(net: int, currency: str, side: Side) -> Money:
    return Money(net if side is Side.CREDIT else -net, currency)
