"""What came in on an account month by month, and how low it went: what somebody can repay from."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from huitong.kernel.clock import as_utc
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger.codes import TransferCode
from huitong.ledger.statements import find_line_at, get_head

# One statement, hence one snapshot of lines and of what is not projected yet. What went back to
# the same party in the same month is taken off, so that money which only circles is no income.
_INFLOWS: Final = """
    SELECT month, sum(greatest(net, 0))::bigint AS inflow
      FROM (SELECT date_trunc('month', effective_on)::date AS month, other_id,
                   sum(CASE WHEN side = 1 THEN -amount
                            WHEN code = ANY(CAST(:codes AS smallint[])) THEN amount
                            ELSE 0 END) AS net
              FROM (SELECT effective_on, side, amount, code, other_id
                      FROM ledger.lines WHERE account_id = :account_id
                     UNION ALL
                    SELECT effective_on,
                           CASE WHEN debit_account_id = :account_id THEN 1 ELSE -1 END,
                           amount, code,
                           CASE WHEN debit_account_id = :account_id THEN credit_account_id
                                ELSE debit_account_id END
                      FROM ledger.transfers
                     WHERE sequence > (SELECT sequence FROM ledger.projection) AND kind IN (0, 2)
                       AND (debit_account_id = :account_id OR credit_account_id = :account_id)) l
             WHERE effective_on >= :since AND effective_on < :until
             GROUP BY 1, 2) n
     GROUP BY month
"""
_LOWEST: Final = """
    SELECT min(balance_after)::bigint FROM ledger.lines
     WHERE account_id = :account_id AND recorded_at > :since
"""


async def list_inflows(
    uow: UnitOfWork,
    account_id: int,
    *,
    codes: Sequence[TransferCode],
    since: date,
    until: date,
) -> Mapping[date, int]:
    """Return what came in by some kinds of business, in minor units, by the first day of a month.

    From `since` until before `until`, by business days. What went out to the same party in the same
    month is taken off. Months without any are left out.
    """
    rows = await uow.execute(
        _INFLOWS,
        account_id=account_id,
        codes=[int(code) for code in codes],
        since=since,
        until=until,
    )
    return {row.month: row.inflow for row in rows if row.inflow}


async def find_lowest_balance(uow: UnitOfWork, account_id: int, *, since: datetime) -> int:
    """Return the lowest posted balance of a customer's account since an instant, in minor units.

    As far as lines are projected, which takes a moment. Raises NotFound.
    """
    head = await get_head(uow, account_id)
    _, before = await find_line_at(uow, account_id, head, as_utc(since))
    lowest: int | None = await uow.fetch_value(_LOWEST, account_id=account_id, since=as_utc(since))
    return before if lowest is None else min(before, lowest)
