"""From exchange and payments abroad to journal entries: the only place that names their accounts.

Each currency balances by itself, through positions (分账制): 3002 货币兑换 in the currency itself,
and 3002.01 in CNY for what the position of a currency cost. A position's ledger balance is what we
are long of it (credit) or short (debit), and the balance of its CNY account is minus its cost.
6061 takes what is realised, and apart from it what is not, against 3002.01; 2241.04 money that is
on its way out, 2241.05 money that came and is not its payee's yet, 1011.02 what we hold with banks
abroad.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.ledger import Entry, Transfer, TransferCode, ensure_system_account
from huitong.payments.crossborder.types import HOME, DealKind, Party

_ACCOUNTS: Final = {
    "position": ("3002", "外汇头寸 Currency position"),
    "transit_out": ("2241.04", "汇出汇款在途 Payments abroad under way"),
    "transit_in": ("2241.05", "汇入汇款待解付 Payments from abroad to be paid out"),
    "nostro": ("1011.02", "存放境外同业 Accounts with banks abroad"),
    "fee_income": ("6021.03", "国际汇款手续费收入 Fees of payments abroad"),
    "kept": ("2011.04", "待确认外汇资金 Money from abroad to be attributed"),
    "result": ("6061", "汇兑损益 Exchange gains and losses"),
    "unrealised": ("6061", "未实现汇兑损益 Unrealised exchange gains and losses"),
}


async def find_account(uow: UnitOfWork, role: str, currency: str) -> int:
    """Return our own account for a role in a currency; it is opened if it is missing."""
    chart_code, name = _ACCOUNTS[role]
    account = await ensure_system_account(
        uow,
        f"payments.crossborder.{role}.{currency}",
        chart_code=chart_code,
        currency=currency,
        name=name,
    )
    return account.id


async def find_cost_account(uow: UnitOfWork, currency: str) -> int:
    """Return the account in CNY that shows what the position of a currency cost."""
    account = await ensure_system_account(
        uow,
        f"payments.crossborder.cost.{currency}",
        chart_code="3002.01",
        currency=HOME,
        name=f"外汇头寸折算 Cost of the position in {currency}",
    )
    return account.id


async def find_revaluation_account(uow: UnitOfWork, currency: str) -> int:
    """Return the account in CNY that shows what the position of a currency has gained since."""
    account = await ensure_system_account(
        uow,
        f"payments.crossborder.revaluation.{currency}",
        chart_code="3002.01",
        currency=HOME,
        name=f"外汇头寸重估 Revaluation of the position in {currency}",
    )
    return account.id


def chart_of(party: Party) -> str:
    """Return the chart code of accounts in foreign currencies."""
    return "2011.02" if party.is_business else "2011.01"


@dataclass(frozen=True, slots=True)
class Move:
    """A movement of one currency between two accounts."""

    debit: int
    credit: int
    amount: Money
    code: TransferCode


def make_entry(entry_id: uuid.UUID, moves: Iterable[Move], on: date, now_ms: int) -> Entry:
    """Return one entry of all moves that move something; the first one's id is the entry's."""
    found = [move for move in moves if not move.amount.is_zero]
    ids = [entry_id, *(uuid7(now_ms) for _ in found[1:])]
    return Entry(
        tuple(
            Transfer(
                id=transfer_id,
                debit_account_id=move.debit,
                credit_account_id=move.credit,
                amount=move.amount.minor,
                currency=move.amount.currency,
                code=move.code,
                effective_on=on,
            )
            for transfer_id, move in zip(ids, found, strict=True)
        ),
        entry_id,
    )


async def exchange_moves(
    uow: UnitOfWork, *, kind: DealKind, sell: Money, buy: Money, cny: Money, giver: int, taker: int
) -> list[Move]:
    """`giver`'s account gives `sell`, `taker`'s gets `buy`; foreign sides meet their positions."""
    code = _code(kind, sell, buy)
    moves = []
    if sell.currency == HOME:
        moves.append(Move(giver, await find_cost_account(uow, buy.currency), sell, code))
    else:
        moves.append(Move(giver, await find_account(uow, "position", sell.currency), sell, code))
    if HOME not in {sell.currency, buy.currency}:
        one = await find_cost_account(uow, sell.currency)
        other = await find_cost_account(uow, buy.currency)
        moves.append(Move(one, other, cny, code))
    if buy.currency == HOME:
        moves.append(Move(await find_cost_account(uow, sell.currency), taker, buy, code))
    else:
        moves.append(Move(await find_account(uow, "position", buy.currency), taker, buy, code))
    return moves


async def result_move(uow: UnitOfWork, currency: str, realised: int) -> Move:
    """What a position realised: a gain goes from its cost to 6061, a loss the other way."""
    cost = await find_cost_account(uow, currency)
    result = await find_account(uow, "result", HOME)
    return _gain(cost, result, realised, TransferCode.EXCHANGE_RESULT)


async def revaluation_move(uow: UnitOfWork, currency: str, gained: int) -> Move:
    """What a position has gained since it was revalued last: to 6061, a loss the other way."""
    revaluation = await find_revaluation_account(uow, currency)
    result = await find_account(uow, "unrealised", HOME)
    return _gain(revaluation, result, gained, TransferCode.EXCHANGE_REVALUATION)


def _gain(position: int, result: int, minor: int, code: TransferCode) -> Move:
    if minor >= 0:
        return Move(position, result, Money(minor, HOME), code)
    return Move(result, position, Money(-minor, HOME), code)


def _code(kind: DealKind, sell: Money, buy: Money) -> TransferCode:
    if kind is DealKind.COVER:
        return TransferCode.EXCHANGE_COVER
    if kind is DealKind.REVERSAL:
        return TransferCode.EXCHANGE_REVERSAL
    if sell.currency == HOME:
        return TransferCode.EXCHANGE_PURCHASE
    if buy.currency == HOME:
        return TransferCode.EXCHANGE_SETTLEMENT
    return TransferCode.EXCHANGE
