"""Opening accounts, and what may happen to one afterwards: freezing, closing, a new maximum.

A change of state locks the account's row of balances, the one that posting locks too, so that
each posting happens wholly before the change or sees it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from huitong.kernel import audit, limits
from huitong.kernel.currencies import get_currency
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Conflict, InvalidField, LimitExceeded
from huitong.ledger.chart import ChartKind
from huitong.ledger.numbers import make_account_number, show_account
from huitong.ledger.queries import find_system_account, get_balance
from huitong.ledger.types import Account, AccountState, Balance, BalanceLimit

_CHART_KINDS: Final = "SELECT code, kind FROM ledger.chart WHERE code = ANY($1::text[])"
_NEXT_SERIALS: Final = """
    SELECT nextval('ledger.account_numbers') FROM generate_series(1, $1)
"""
# A system key that another transaction took first yields no account, and then no balances either.
_OPEN: Final = """
    WITH opened AS (
        INSERT INTO ledger.accounts (id, chart_code, currency, name, owner_id, system_key)
        SELECT n.id, n.chart_code, n.currency, n.name, n.owner_id, n.system_key
          FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[])
               n(id, chart_code, currency, name, owner_id, system_key)
            ON CONFLICT (system_key) DO NOTHING
        RETURNING id, currency, opened_at
    ), balanced AS (
        INSERT INTO ledger.balances (account_id, currency, limits, balance_max)
        SELECT o.id, o.currency, n.limits, n.balance_max
          FROM opened o
          JOIN unnest($1::bigint[], $7::smallint[], $8::bigint[]) n(id, limits, balance_max)
            ON n.id = o.id
    )
    SELECT id, opened_at FROM opened
"""
_LOCK: Final = "SELECT 1 FROM ledger.balances WHERE account_id = :account_id FOR NO KEY UPDATE"
_SET_STATE: Final = "UPDATE ledger.balances SET state = :state WHERE account_id = :account_id"
_SET_CLOSED_AT: Final = "UPDATE ledger.accounts SET closed_at = :now WHERE id = :account_id"
_SET_BALANCE_MAX: Final = """
    UPDATE ledger.balances SET balance_max = :balance_max WHERE account_id = :account_id
"""

_RENAME: Final = """
    UPDATE ledger.accounts SET name = :name WHERE id = ANY(CAST(:account_ids AS bigint[]))
"""


class AccountIsClosed(Conflict):
    """A closed account stays closed; the person gets a new one."""

    code = "account_is_closed"
    title = "The account is closed"


class AccountNotEmpty(Conflict):
    """An account with a balance or with holds cannot be closed."""

    code = "account_not_empty"
    title = "The account still holds money"


class BalanceAboveMaximum(Conflict):
    """The account already holds more than the new maximum."""

    code = "balance_above_maximum"
    title = "The account holds more than that maximum"


class SystemKeyTaken(Conflict):
    """A system account with this key exists and is something else."""

    code = "system_key_taken"
    title = "There is another account with this system key"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an account is opened with.

    `limits` None means the usual rule of its kind: a liability, which is what we owe somebody,
    cannot be overdrawn; anything else has no limit. `balance_max` is in minor units.
    """

    chart_code: str
    currency: str
    name: str
    owner_id: uuid.UUID | None = None
    system_key: str | None = None
    limits: BalanceLimit | None = None
    balance_max: int | None = None


async def open_account(
    uow: UnitOfWork,
    *,
    chart_code: str,
    currency: str,
    name: str,
    owner_id: uuid.UUID | None = None,
    system_key: str | None = None,
    limits: BalanceLimit | None = None,
    balance_max: int | None = None,
) -> Account:
    """Open one account; see `open_accounts`."""
    new = NewAccount(
        chart_code=chart_code,
        currency=currency,
        name=name,
        owner_id=owner_id,
        system_key=system_key,
        limits=limits,
        balance_max=balance_max,
    )
    return (await open_accounts(uow, [new]))[0]


async def open_accounts(uow: UnitOfWork, accounts: Sequence[NewAccount]) -> list[Account]:
    """Open all `accounts`, or none, and return them in the same order.

    Raises InvalidField for a chart code, currency, name or maximum that cannot be, LimitExceeded
    for more than ACCOUNTS_PER_BATCH_MAX, SystemKeyTaken.
    """
    opened = await _insert(uow, accounts)
    for new, account in zip(accounts, opened, strict=True):
        if account is None:
            raise SystemKeyTaken(
                f"There is an account with the system key {new.system_key} already",
                field="system_key",
            )
    whole = [account for account in opened if account is not None]
    for account in whole:
        details = {"chart_code": account.chart_code, "currency": account.currency}
        await audit.record(
            uow, action="ledger.open_account", subject=show_account(account.id), details=details
        )
    return whole


async def ensure_system_account(
    uow: UnitOfWork,
    key: str,
    *,
    chart_code: str,
    currency: str,
    name: str,
    limits: BalanceLimit = BalanceLimit.NONE,
) -> Account:
    """Return the account of our own books with this key, and open it if it is not there yet.

    Any number of processes may do so at the same time. Raises SystemKeyTaken if the key belongs
    to an account of another chart code or currency.
    """
    account = await find_system_account(uow, key)
    if account is None:
        new = NewAccount(
            chart_code=chart_code, currency=currency, name=name, system_key=key, limits=limits
        )
        account = (await _insert(uow, [new]))[0]
        if account is not None:
            details = {"chart_code": chart_code, "currency": currency, "system_key": key}
            await audit.record(
                uow, action="ledger.open_account", subject=show_account(account.id), details=details
            )
            return account
        # Somebody else was faster, and has committed: the insertion waited for that.
        account = await find_system_account(uow, key)
    if account is None or (account.chart_code, account.currency) != (chart_code, currency):
        raise SystemKeyTaken(
            f"The system account {key} is not one of {chart_code} in {currency}", field="key"
        )
    return account


async def set_account_state(
    uow: UnitOfWork, account_id: int, *, state: AccountState, reason: str, now: datetime
) -> Balance:
    """Freeze debits, freeze, open again or close an account, and return how it then stands.

    The state that it already has changes nothing. Raises NotFound, AccountIsClosed for every way
    back from closed, AccountNotEmpty when closing with a balance or holds, InvalidField for a
    reason that is empty or too long.
    """
    _check_reason(reason)
    balance = await _lock(uow, account_id)
    if balance.state is state:
        return balance
    if balance.state is AccountState.CLOSED:
        raise AccountIsClosed(f"{show_account(account_id)} is closed, and closing is for ever")
    if state is AccountState.CLOSED:
        _check_empty(balance)
        await uow.execute(_SET_CLOSED_AT, account_id=account_id, now=now)
    await uow.execute(_SET_STATE, account_id=account_id, state=int(state))
    await audit.record(
        uow,
        action="ledger.set_account_state",
        subject=show_account(account_id),
        details={"from": balance.state.name, "to": state.name, "reason": reason},
    )
    return await get_balance(uow, account_id)


async def set_balance_max(
    uow: UnitOfWork, account_id: int, *, balance_max: int | None, reason: str
) -> Balance:
    """Set the most that an account may hold, in minor units, or None for no maximum.

    Only accounts that cannot be overdrawn have one. Raises NotFound, InvalidField, AccountIsClosed,
    and BalanceAboveMaximum if it holds more now.
    """
    _check_reason(reason)
    balance = await _lock(uow, account_id)
    if balance.balance_max == balance_max:
        return balance
    if balance.state is AccountState.CLOSED:
        raise AccountIsClosed(f"{show_account(account_id)} is closed")
    _check_balance_max(balance_max, balance.limits)
    held = balance.credits_posted + balance.credits_pending - balance.debits_posted
    if balance_max is not None and held > balance_max:
        raise BalanceAboveMaximum(
            f"{show_account(account_id)} holds more than that, incoming holds included",
            field="balance_max",
        )
    await uow.execute(_SET_BALANCE_MAX, account_id=account_id, balance_max=balance_max)
    await audit.record(
        uow,
        action="ledger.set_balance_max",
        subject=show_account(account_id),
        details={"from": balance.balance_max, "to": balance_max, "reason": reason},
    )
    return await get_balance(uow, account_id)


async def rename_accounts(uow: UnitOfWork, account_ids: Sequence[int], *, name: str) -> None:
    """Give up to ACCOUNTS_PER_BATCH_MAX accounts another name; numbers and money stay.

    Raises InvalidField for a name that cannot be, LimitExceeded for too many accounts.
    """
    if len(account_ids) > limits.ACCOUNTS_PER_BATCH_MAX:
        raise LimitExceeded(
            f"At most {limits.ACCOUNTS_PER_BATCH_MAX} accounts are renamed at a time",
            field="account_ids",
        )
    _check_name(name)
    await uow.execute(_RENAME, account_ids=list(account_ids), name=name)


async def _lock(uow: UnitOfWork, account_id: int) -> Balance:
    # Two statements: the second one's snapshot is taken after the lock, so it sees what the
    # transaction that held the lock before has committed.
    await uow.execute(_LOCK, account_id=account_id)
    return await get_balance(uow, account_id)


async def _insert(uow: UnitOfWork, accounts: Sequence[NewAccount]) -> list[Account | None]:
    """Insert accounts with their balances; None for one whose system key is taken."""
    if len(accounts) > limits.ACCOUNTS_PER_BATCH_MAX:
        raise LimitExceeded(
            f"At most {limits.ACCOUNTS_PER_BATCH_MAX} accounts are opened at a time",
            field="accounts",
        )
    connection = await uow.driver()
    wanted = sorted({new.chart_code for new in accounts})
    kinds = {row[0]: ChartKind(row[1]) for row in await connection.fetch(_CHART_KINDS, wanted)}
    rules = [_check_new(new, kinds) for new in accounts]
    serials = await connection.fetch(_NEXT_SERIALS, len(accounts))
    numbers = [make_account_number(row[0]) for row in serials]
    rows = await connection.fetch(
        _OPEN,
        numbers,
        [new.chart_code for new in accounts],
        [new.currency for new in accounts],
        [new.name for new in accounts],
        [new.owner_id for new in accounts],
        [new.system_key for new in accounts],
        [int(rule) for rule in rules],
        [new.balance_max for new in accounts],
    )
    opened_at = {row[0]: row[1] for row in rows}
    return [
        _make_account(number, new, kinds[new.chart_code], opened_at[number])
        if number in opened_at
        else None
        for number, new in zip(numbers, accounts, strict=True)
    ]


def _make_account(number: int, new: NewAccount, kind: ChartKind, opened_at: datetime) -> Account:
    return Account(
        id=number,
        chart_code=new.chart_code,
        currency=new.currency,
        name=new.name,
        owner_id=new.owner_id,
        system_key=new.system_key,
        normal_side=kind.normal_side,
        opened_at=opened_at,
        closed_at=None,
    )


def _check_new(new: NewAccount, kinds: dict[str, ChartKind]) -> BalanceLimit:
    kind = kinds.get(new.chart_code)
    if kind is None:
        raise InvalidField(
            f"{new.chart_code!r} is not in the chart of accounts", field="chart_code"
        )
    get_currency(new.currency)
    _check_name(new.name)
    if new.system_key is not None and not 1 <= len(new.system_key) <= limits.REFERENCE_LENGTH_MAX:
        raise InvalidField(
            f"system_key must have 1 to {limits.REFERENCE_LENGTH_MAX} characters",
            field="system_key",
        )
    rule = new.limits
    if rule is None:
        rule = (
            BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS
            if kind is ChartKind.LIABILITY
            else BalanceLimit.NONE
        )
    _check_balance_max(new.balance_max, rule)
    return rule


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > limits.NAME_LENGTH_MAX or "\0" in name:
        raise InvalidField(f"name must have 1 to {limits.NAME_LENGTH_MAX} characters", field="name")


def _check_balance_max(balance_max: int | None, rule: BalanceLimit) -> None:
    if balance_max is None:
        return
    if rule is not BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS:
        raise InvalidField(
            "Only an account that cannot be overdrawn has a maximum", field="balance_max"
        )
    if not 0 < balance_max <= limits.MINOR_UNITS_MAX:
        raise InvalidField("balance_max must be above zero and fit 63 bits", field="balance_max")


def _check_empty(balance: Balance) -> None:
    if balance.debits_posted != balance.credits_posted:
        raise AccountNotEmpty(
            f"{show_account(balance.account_id)} has a balance of {balance.posted}",
            context={"balance": balance.posted.to_json()},
        )
    if balance.debits_pending or balance.credits_pending:
        raise AccountNotEmpty(f"{show_account(balance.account_id)} has holds that are still open")


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > limits.DESCRIPTION_LENGTH_MAX:
        raise InvalidField(
            f"reason must have 1 to {limits.DESCRIPTION_LENGTH_MAX} characters", field="reason"
        )
