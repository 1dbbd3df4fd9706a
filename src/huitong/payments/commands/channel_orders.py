"""Money from and to customers' banks: asked for here, sent by `settle_channel_orders` later."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from huitong import customers, risk
from huitong.kernel import outbox
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import MeterUse, TransferCode
from huitong.payments.channel_payees import NewBankAccount, seal_own_account
from huitong.payments.commands import moving
from huitong.payments.commands.attempts import add_first_attempt
from huitong.payments.deciding import deciding
from huitong.payments.events import ChannelOrderRequested, WithdrawalHeld
from huitong.payments.minor_rules import check_minor
from huitong.payments.postings import find_own_accounts, hold_entry
from huitong.payments.store import payees as payee_store
from huitong.payments.types import (
    Authentication,
    ChannelDirection,
    ChannelKind,
    ChannelState,
    Order,
    OrderKind,
    OrderStatus,
    SealedPayee,
)

_HOLDING: Final = frozenset({risk.Action.REVIEW, risk.Action.DELAY})
_INSTRUMENT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CARD_NUMBER: Final = re.compile(r"[0-9]{12,19}")
_DELAY_HOURS: Final = "risk.withdrawal.delay.hours"


async def request_top_up(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    account_id: int,
    amount: Money,
    kind: ChannelKind = ChannelKind.BANK_TRANSFER,
    instrument: str | None = None,
    now: datetime,
) -> Order:
    """Ask a channel for money of the customer; return the pending order.

    It comes from the customer's bank, or with an `instrument` from a card (the acquirer's token)
    or a wallet (the one-time code that its app shows), as `kind` says. Nothing is on the account
    before the channel has said yes. The same id with the same content returns the order as it is.
    Raises AccountNotFound unless it is a customer's account, InvalidField, IdReused, NoChannel.
    """
    _check_instrument(kind, instrument)
    await _check_customer(uow, account_id, amount)
    own = await find_own_accounts(uow, amount.currency)
    order = _new_order(
        order_id, OrderKind.TOP_UP, (own.channel, account_id), amount=amount, now=now
    )
    known = await moving.add_order(uow, order)
    if known is not None:
        return known
    await _hand_over(uow, order, ChannelDirection.IN, now, kind=kind, instrument=instrument)
    return order


def _check_instrument(kind: ChannelKind, instrument: str | None) -> None:
    if kind is ChannelKind.BANK_TRANSFER:
        if instrument is not None:
            raise InvalidField("a bank transfer has none", field="instrument")
        return
    if kind is ChannelKind.CROSS_BORDER:
        raise InvalidField("customers' money does not come in over it", field="kind")
    if instrument is None or _INSTRUMENT.fullmatch(instrument) is None:
        raise InvalidField("letters, digits, _ and -, 128 at most", field="instrument")
    if _CARD_NUMBER.fullmatch(instrument) is not None and kind is ChannelKind.CARD_ACQUIRING:
        # PCI DSS 3.5.1: a number that is stored must be unreadable, so none may come here.
        raise InvalidField("a card's number is no token", field="instrument")


async def request_withdrawal(
    uow: UnitOfWork,
    *,
    order_id: uuid.UUID,
    account_id: int,
    amount: Money,
    authentication: Authentication = Authentication.TWO_FACTORS,
    decider: risk.PaymentDecider | None = None,
    is_urgent: bool = False,
    bank_account: NewBankAccount | None = None,
    now: datetime,
) -> Order:
    """Reserve money of a customer and ask the channel to pay it to the customer's own bank account.

    With a `bank_account` the bank is told which one, in the customer's name, and pays no other;
    without it pays the one that it has agreed on with the customer. What risk delays or wants
    reviewed is reserved too, and not sent before the delay is over or somebody has released it
    (`held_withdrawals`). `is_urgent` decides with the amount and the hours through which system it
    goes (`find_rail`). Not counted against payment limits, by regulation. The same id with the same
    content returns the order as it is. Raises AccountNotFound unless it is a customer's account,
    InvalidField, IdReused, InsufficientFunds, GuardianMustAct and MinorLimitExceeded for minors,
    PaymentBlocked, PaymentNeedsStepUp, NoChannel, and what else the ledger refuses.
    """
    party = await _check_customer(uow, account_id, amount)
    check_minor(
        Rulebook.load(),
        party,
        kind=OrderKind.WITHDRAWAL,
        amount=amount,
        on_day=business_day(now),
    )
    own = await find_own_accounts(uow, amount.currency)
    order = _new_order(
        order_id, OrderKind.WITHDRAWAL, (account_id, own.channel), amount=amount, now=now
    )
    return await place_withdrawal(
        uow,
        order,
        party,
        authentication=authentication,
        decider=decider,
        is_urgent=is_urgent,
        bank_account=await seal_own_account(uow, party, bank_account),
        now=now,
    )


async def place_withdrawal(
    uow: UnitOfWork,
    order: Order,
    party: customers.Party,
    *,
    authentication: Authentication,
    decider: risk.PaymentDecider | None,
    uses: Sequence[MeterUse] = (),
    is_urgent: bool = False,
    bank_account: SealedPayee | None = None,
    now: datetime,
) -> Order:
    """Reserve the money of a new withdrawal of `party` and hand it to a channel, or hold it back.

    `uses` are counted when it is reserved; `bank_account` is where it goes. The same order again is
    returned as it is; raises as `request_withdrawal` does, without what is about minors.
    """
    transfer_id = moving.make_transfer_id(now)
    order = replace(order, transfer_id=transfer_id)
    known = await moving.add_order(uow, order)
    if known is not None:
        return known
    if bank_account is not None:
        await payee_store.add_payee(uow, order.id, bank_account)
    async with deciding(uow, decider, order, party, authentication=authentication, now=now) as said:
        await _reserve(uow, order, uses, now)
        if said in _HOLDING:
            await _hold_back(uow, order, said, now, is_urgent=is_urgent)
        else:
            await _hand_over(uow, order, ChannelDirection.OUT, now, is_urgent=is_urgent)
    return order


async def hand_over_withdrawal(
    uow: UnitOfWork, *, order_id: uuid.UUID, account_id: int, amount: Money, now: datetime
) -> Order:
    """Reserve money of a business on `account_id` and queue it for the business's own bank.

    For what the bank pays out by itself: risk is not asked, as nobody instructs it. The same id
    with the same content returns the order as it is. Raises IdReused, NoChannel, and what the
    ledger refuses.
    """
    own = await find_own_accounts(uow, amount.currency)
    accounts = (account_id, own.channel)
    order = replace(
        _new_order(order_id, OrderKind.WITHDRAWAL, accounts, amount=amount, now=now),
        transfer_id=moving.make_transfer_id(now),
    )
    known = await moving.add_order(uow, order)
    if known is not None:
        return known
    await _reserve(uow, order, (), now)
    await _hand_over(uow, order, ChannelDirection.OUT, now)
    return order


async def _reserve(uow: UnitOfWork, order: Order, uses: Sequence[MeterUse], now: datetime) -> None:
    assert order.transfer_id is not None
    assert order.payer_account_id is not None
    assert order.payee_account_id is not None
    await moving.post_entry(
        uow,
        hold_entry(
            transfer_id=order.transfer_id,
            payer_account_id=order.payer_account_id,
            payee_account_id=order.payee_account_id,
            amount=order.amount,
            code=TransferCode.WITHDRAWAL_HOLD,
            effective_on=business_day(now),
            # Only the bank's answer ends it: a hold that expired could be spent twice.
            expires_at=None,
        ),
        uses=uses,
        fields={order.payer_account_id: "account"},
        now=now,
    )


async def _check_customer(uow: UnitOfWork, account_id: int, amount: Money) -> customers.Party:
    party = await moving.get_customer_party(uow, account_id, field="account")
    assert party.customer_id is not None
    customer = await customers.get_open_customer(uow, party.customer_id)
    moving.check_amount(amount, customer.currency)
    return party


def _new_order(
    order_id: uuid.UUID,
    kind: OrderKind,
    accounts: tuple[int, int],
    *,
    amount: Money,
    now: datetime,
) -> Order:
    nothing = Money.zero(amount.currency)
    payer_account_id, payee_account_id = accounts
    return Order(
        id=order_id,
        kind=kind,
        status=OrderStatus.PENDING,
        amount=amount,
        authorised=None,
        fee=nothing,
        fee_returned=nothing,
        refunded=nothing,
        refunds=0,
        shared=nothing,
        payer_account_id=payer_account_id,
        payee_account_id=payee_account_id,
        merchant_id=None,
        reference=None,
        description=None,
        transfer_id=None,
        created_at=now,
        expires_at=None,
        completed_at=None,
        failure_code=None,
    )


async def _hand_over(
    uow: UnitOfWork,
    order: Order,
    direction: ChannelDirection,
    now: datetime,
    *,
    is_urgent: bool = False,
    kind: ChannelKind = ChannelKind.BANK_TRANSFER,
    instrument: str | None = None,
) -> None:
    await add_first_attempt(
        uow,
        order,
        direction,
        is_urgent=is_urgent,
        kind=kind,
        instrument=instrument,
        now=now,
    )
    event = ChannelOrderRequested(
        order_id=order.id, direction=direction, amount=order.amount, requested_at=now
    )
    await outbox.append(uow, [event])


async def _hold_back(
    uow: UnitOfWork, order: Order, said: risk.Action, now: datetime, *, is_urgent: bool
) -> None:
    """Queue a withdrawal that waits: for a time, or if it is to be reviewed for somebody's word."""
    held_until = None
    if said is risk.Action.DELAY:
        hours = Rulebook.load().integer(_DELAY_HOURS, business_day(now))
        held_until = now + timedelta(hours=hours)
    await add_first_attempt(
        uow,
        order,
        ChannelDirection.OUT,
        state=ChannelState.HELD,
        held_until=held_until,
        is_urgent=is_urgent,
        now=now,
    )
    event = WithdrawalHeld(
        order_id=order.id, amount=order.amount, held_until=held_until, held_at=now
    )
    await outbox.append(uow, [event])
