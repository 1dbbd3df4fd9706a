"""Pools, collection accounts and incoming payments of businesses, as they travel."""

from datetime import date, time
from typing import Annotated, Final, Literal

from fastapi import Path
from pydantic import AfterValidator, Field

from huitong import ledger, payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    AccountId,
    Body,
    GivenDay,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    Name,
    View,
    check_printable,
    example_id,
    id_pattern,
    show_money,
    show_money_or_none,
)
from huitong.kernel import ids
from huitong.kernel.ids import MERCHANT, show_id
from huitong.kernel.money import Money

corporate: Final = payments.corporate
PoolPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.POOL), description="The pool's id.", examples=[example_id(ids.POOL)]
    ),
]
VirtualPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.VIRTUAL_ACCOUNT),
        description="The virtual account's id.",
        examples=[example_id(ids.VIRTUAL_ACCOUNT)],
    ),
]
PayInPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.PAY_IN),
        description="The incoming payment's id.",
        examples=[example_id(ids.PAY_IN)],
    ),
]
PoolId = Annotated[str, Field(pattern=id_pattern(ids.POOL), examples=[example_id(ids.POOL)])]
VirtualId = Annotated[
    str, Field(pattern=id_pattern(ids.VIRTUAL_ACCOUNT), examples=[example_id(ids.VIRTUAL_ACCOUNT)])
]
PayInId = Annotated[str, Field(pattern=id_pattern(ids.PAY_IN), examples=[example_id(ids.PAY_IN)])]
PayerName = Annotated[
    str,
    Field(min_length=1, max_length=corporate.PAYEE_NAME_LENGTH_MAX, examples=["江南茶厂"]),
    AfterValidator(check_printable),
]
Remittance = Annotated[
    str,
    Field(min_length=1, max_length=140, examples=["货款 INV-2026-0042"]),
    AfterValidator(check_printable),
]


class MemberBody(Body):
    """A business whose account is swept, and by which rule."""

    merchant: MerchantId
    rule: Literal["zero", "target", "above", "share"]
    keeps: MoneyBody | None = Field(default=None, description="What stays; nothing for zero.")
    above: MoneyBody | None = Field(
        default=None, description="above: only a balance beyond this is swept, down to keeps."
    )
    share_bps: int = Field(
        default=10_000, ge=1, le=10_000, description="share: which part goes up, 1/100 of 1 %."
    )
    least: MoneyBody | None = Field(default=None, description="Nothing below it is moved.")
    is_funded: bool = Field(default=False, description="Whether the header fills it up to keeps.")


class OpenPool(Body):
    """A pool of businesses' accounts."""

    name: Name
    merchant: MerchantId = Field(description="Whose account is the header.")
    members: list[MemberBody] = Field(
        min_length=1, max_length=corporate.POOL_MEMBERS_MAX, description="In their order."
    )
    sweeps_at: str | None = Field(
        default=None,
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Daily at this time (Asia/Shanghai); else interval_minutes.",
        examples=["16:30"],
    )
    interval_minutes: int | None = Field(default=None, ge=5, le=1_440)
    reason: Why


class EndPool(Body):
    """Why a pool is to end."""

    reason: Why


class OpenCollection(Body):
    """A business that is to have a collection account."""

    merchant: MerchantId
    reason: Why


class ResolvePayIn(Body):
    """Which virtual account an incoming payment is for; its own means that it stays there."""

    account: VirtualId
    reason: Why


class OpenVirtualAccount(Body):
    """For whom or what a business wants a number."""

    merchant: MerchantId
    purpose: Literal["payer", "invoice"]
    reference: str | None = Field(
        default=None,
        min_length=1,
        max_length=35,
        pattern="^[^ \t\r\n]+$",
        description="A word that payers may write instead of the number.",
        examples=["INV-2026-0042"],
    )
    payer: PayerName | None = None
    expected: MoneyBody | None = None
    tolerance: MoneyBody | None = None
    due_on: GivenDay | None = None

    def read(self) -> payments.corporate.NewVirtualAccount:
        """Return what is wanted; raises InvalidField."""
        return corporate.NewVirtualAccount(
            purpose=corporate.VirtualPurpose(self.purpose),
            reference=self.reference,
            payer=self.payer,
            expected=None if self.expected is None else self.expected.read("expected"),
            tolerance=None if self.tolerance is None else self.tolerance.read("tolerance"),
            due_on=self.due_on,
        )


class ReleaseVirtual(Body):
    """How much is taken to the settlement account; all of it if nothing is said."""

    amount: MoneyBody | None = None


class ReceivePayIn(Body):
    """A payment that a bank reports."""

    channel: str = Field(min_length=1, max_length=32, examples=["bank"])
    bank_reference: str = Field(
        min_length=1, max_length=64, description="The bank's own, once for each payment."
    )
    amount: MoneyBody
    number: str = Field(min_length=1, max_length=34, examples=["10000100000135"])
    payer: PayerName | None = None
    remittance: Remittance | None = None

    def read(self) -> payments.corporate.NewPayIn:
        """Return the payment; raises InvalidField."""
        return corporate.NewPayIn(
            channel=self.channel,
            bank_reference=self.bank_reference,
            amount=self.amount.read(),
            number=self.number,
            payer=self.payer,
            remittance=self.remittance,
        )


class MemberView(View):
    """A member of a pool, its rule, and what it has lent to the header."""

    merchant: MerchantId
    account: AccountId
    rule: payments.corporate.SweepRule
    keeps: MoneyView
    above: MoneyView
    share_bps: int
    least: MoneyView
    is_funded: bool
    lent: MoneyView = Field(description="Below zero: what it owes the header.")


class PoolView(View):
    """A pool and its next sweep."""

    id: PoolId
    name: str
    merchant: MerchantId
    account: AccountId
    sweeps_at: time | None
    interval_minutes: int | None
    number: int
    next_sweep_at: Instant | None
    opened_at: Instant
    ended_at: Instant | None
    members: list[MemberView]


class LegView(View):
    """What a sweep did with a member: above zero it went up, below it was funded, or why not."""

    account: AccountId
    amount: MoneyView
    reason: str | None


class SweepView(View):
    """A sweep: one journal entry."""

    number: int
    due_at: Instant
    swept_at: Instant
    up: MoneyView
    down: MoneyView
    legs: list[LegView]


class CollectionView(View):
    """The collection account of a business, of which its virtual accounts are parts."""

    merchant: MerchantId
    number: str = Field(description="For payments that name no virtual account.")
    held: MoneyView


class VirtualAccountView(View):
    """A virtual account: what was expected, what ever came, and what is there."""

    id: VirtualId
    number: str
    purpose: payments.corporate.VirtualPurpose
    reference: str | None
    expected: MoneyView | None
    tolerance: MoneyView
    due_on: date | None
    received: MoneyView
    balance: MoneyView
    is_settled: bool
    opened_at: Instant
    closed_at: Instant | None


class PayInView(View):
    """A payment that came in, and where it is."""

    id: PayInId
    channel: str
    bank_reference: str
    amount: MoneyView
    number: str
    account: VirtualId | None
    matched_by: payments.corporate.MatchedBy
    finding: payments.corporate.Finding
    resolution: str | None
    received_at: Instant
    payer: str | None = Field(description="For the people of the business only.")
    remittance: str | None = Field(description="For the people of the business only.")


def show_pool(
    pool: payments.corporate.Pool, positions: list[payments.corporate.Position]
) -> PoolView:
    """Return a pool as a view."""
    lent = {each.member_account_id: each.lent for each in positions}
    return PoolView(
        id=show_id(ids.POOL, pool.id),
        name=pool.name,
        merchant=show_id(MERCHANT, pool.merchant_id),
        account=ledger.show_account(pool.account_id),
        sweeps_at=pool.sweeps_at,
        interval_minutes=pool.interval_minutes,
        number=pool.number,
        next_sweep_at=pool.next_sweep_at,
        opened_at=pool.opened_at,
        ended_at=pool.ended_at,
        members=[
            MemberView(
                merchant=show_id(MERCHANT, each.merchant_id),
                account=ledger.show_account(each.account_id),
                rule=each.rule,
                keeps=show_money(Money(each.keeps, pool.currency)),
                above=show_money(Money(each.above, pool.currency)),
                share_bps=each.share_bps,
                least=show_money(Money(each.least, pool.currency)),
                is_funded=each.is_funded,
                lent=show_money(Money(lent.get(each.account_id, 0), pool.currency)),
            )
            for each in pool.members
        ],
    )


def show_sweep(sweep: payments.corporate.Sweep, currency: str) -> SweepView:
    """Return a sweep as a view."""
    return SweepView(
        number=sweep.number,
        due_at=sweep.due_at,
        swept_at=sweep.swept_at,
        up=show_money(Money(sweep.up, currency)),
        down=show_money(Money(sweep.down, currency)),
        legs=[
            LegView(
                account=ledger.show_account(leg.account_id),
                amount=show_money(Money(leg.amount, currency)),
                reason=leg.reason,
            )
            for leg in sweep.legs
        ],
    )


def show_collection(master: payments.corporate.Master) -> CollectionView:
    """Return a collection account as a view."""
    return CollectionView(
        merchant=show_id(MERCHANT, master.merchant_id),
        number=master.number,
        held=show_money(master.held),
    )


def show_virtual(account: payments.corporate.VirtualAccount) -> VirtualAccountView:
    """Return a virtual account as a view; its payer's name is not read for a list."""
    return VirtualAccountView(
        id=show_id(ids.VIRTUAL_ACCOUNT, account.id),
        number=account.number,
        purpose=account.purpose,
        reference=account.reference,
        expected=show_money_or_none(account.expected),
        tolerance=show_money(account.tolerance),
        due_on=account.due_on,
        received=show_money(account.received),
        balance=show_money(account.balance),
        is_settled=account.is_settled,
        opened_at=account.opened_at,
        closed_at=account.closed_at,
    )


def show_pay_in(
    pay_in: payments.corporate.PayIn, opened: tuple[str | None, str | None] = (None, None)
) -> PayInView:
    """Return an incoming payment as a view, with payer and text where they may be seen."""
    account_id = pay_in.account_id
    return PayInView(
        id=show_id(ids.PAY_IN, pay_in.id),
        channel=pay_in.channel,
        bank_reference=pay_in.bank_reference,
        amount=show_money(pay_in.amount),
        number=pay_in.number,
        account=None if account_id is None else show_id(ids.VIRTUAL_ACCOUNT, account_id),
        matched_by=pay_in.matched_by,
        finding=pay_in.finding,
        resolution=pay_in.resolution,
        received_at=pay_in.received_at,
        payer=opened[0],
        remittance=opened[1],
    )
