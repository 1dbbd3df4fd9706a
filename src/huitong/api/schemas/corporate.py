"""Payments of businesses by several people's word, as they travel."""

from datetime import date
from typing import Annotated, Final, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, Field

from huitong import identity, ledger, payments
from huitong.api.schemas.bulk_files import Sha256
from huitong.api.schemas.common import (
    AccountId,
    Body,
    BodyInstant,
    CustomerId,
    GivenDay,
    Instant,
    MerchantId,
    MoneyBody,
    MoneyView,
    PaymentId,
    View,
    check_printable,
    example_id,
    id_pattern,
    show_money,
    show_money_or_none,
)
from huitong.kernel import ids
from huitong.kernel.clock import business_day
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MERCHANT, show_id
from huitong.kernel.money import Money

corporate: Final = payments.corporate
#: The act of approving an instruction, for which each approver proves one more factor.
APPROVE: Final = "payments.approve_instruction"
Business = Annotated[
    str,
    Query(pattern=id_pattern(ids.MERCHANT), description="The business."),
]
InstructionPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.INSTRUCTION),
        description="The instruction's id; a standing order has that of its instruction.",
        examples=[example_id(ids.INSTRUCTION)],
    ),
]
InstructionId = Annotated[
    str, Field(pattern=id_pattern(ids.INSTRUCTION), examples=[example_id(ids.INSTRUCTION)])
]
Text = Annotated[
    str, Field(min_length=1, max_length=corporate.DESCRIPTION_LENGTH_MAX, examples=["十一月房租"])
]


class PayeeBody(Body):
    """Who is paid: `account` for one with us, else `bank_code` and `number`."""

    name: str = Field(
        min_length=1,
        max_length=corporate.PAYEE_NAME_LENGTH_MAX,
        description="The holder's name; for an account with us it must be exactly that.",
        examples=["江南茶厂"],
    )
    account: AccountId | None = None
    bank_code: str | None = Field(
        default=None, pattern="^[0-9]{12}$", description="CNAPS.", examples=["102100099996"]
    )
    number: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9]{1,34}$",
        description="The account at that bank.",
        examples=["6222021234567890123"],
    )

    def read(self) -> payments.corporate.NewPayee:
        """Return the payee; raises InvalidField for both ways at once, or none."""
        at_a_bank = (self.bank_code, self.number)
        if (self.account is None) == (at_a_bank == (None, None)):
            raise InvalidField("is an account with us, or a bank code and number", field="payee")
        return corporate.NewPayee(
            name=self.name,
            account_id=None
            if self.account is None
            else ledger.read_account(self.account, field="payee.account"),
            bank_code=self.bank_code,
            number=self.number,
        )


class InstructPayment(Body):
    """A payment that others of the business are to approve."""

    merchant: MerchantId
    payee: PayeeBody
    amount: MoneyBody
    description: Annotated[Text, AfterValidator(check_printable)]


class InstructSchedule(Body):
    """A standing order, or a payment at a later time, that others are to approve."""

    merchant: MerchantId
    payee: PayeeBody
    amount_rule: Literal["fixed", "above", "whole"] = "fixed"
    amount: MoneyBody | None = Field(
        default=None, description="fixed: what is paid; above: what stays on the account."
    )
    payment_max: MoneyBody | None = Field(
        default=None, description="above and whole: the most that one payment may be."
    )
    rhythm: Literal["once", "weekly", "monthly", "days"]
    day: int = Field(
        default=0,
        ge=0,
        le=366,
        description="monthly: day of the month, or its last; weekly: 1 for Monday; days: how many.",
    )
    convention: Literal["none", "following", "preceding", "modified_following"] = "none"
    first_on: GivenDay | None = None
    last_on: GivenDay | None = None
    count_max: int | None = Field(default=None, ge=1, le=corporate.STANDING_COUNT_MAX)
    pay_at: BodyInstant | None = Field(default=None, description="once: when.")
    retry_days: int = Field(default=0, ge=0, le=366)
    description: Annotated[Text, AfterValidator(check_printable)]

    def read(self) -> payments.corporate.Plan:
        """Return the plan; raises InvalidField."""
        rule = corporate.AmountRule(self.amount_rule)
        amount = None if self.amount is None else self.amount.read("amount")
        most = None if self.payment_max is None else self.payment_max.read("payment_max")
        if rule is corporate.AmountRule.FIXED and most is None:
            most = amount
        if rule is corporate.AmountRule.WHOLE and amount is None and most is not None:
            amount = Money.zero(most.currency)
        if amount is None or most is None:
            field = "amount" if amount is None else "payment_max"
            raise InvalidField("is missing for this amount_rule", field=field)
        if amount.currency != most.currency:
            raise InvalidField("must be in the currency of amount", field="payment_max.currency")
        return corporate.Plan(
            currency=amount.currency,
            amount_rule=rule,
            amount=amount.minor,
            payment_max=most.minor,
            rhythm=corporate.Rhythm(self.rhythm),
            day=self.day,
            convention=corporate.Convention(self.convention),
            first_on=self._read_first(),
            last_on=self.last_on,
            count_max=self.count_max,
            pay_at=self.pay_at,
            retry_days=self.retry_days,
            description=self.description,
        )

    def _read_first(self) -> date:
        # The day of Shanghai would be past the last one that there is.
        if self.pay_at is not None and self.pay_at.year == date.max.year:
            raise InvalidField("is too far from now", field="pay_at")
        if self.first_on is not None:
            return self.first_on
        if self.pay_at is None:
            raise InvalidField("is missing", field="first_on")
        return business_day(self.pay_at)


class Decide(Body):
    """What was seen and is decided about: the digest of its content."""

    sha256: Sha256


class Approve(Decide):
    """An approval, with the proof that is good for exactly this content."""

    step_up: str | None = Field(
        default=None,
        pattern=id_pattern(ids.STEP_UP),
        description=f"A proved step-up for the act `{APPROVE}` with the instruction's amount, its "
        "payer, and its SHA-256 as the payee.",
        examples=[example_id(ids.STEP_UP)],
    )


class PayeeView(View):
    """Who is paid; name and number of an account at a bank only where one instruction is read."""

    account: AccountId | None
    bank_code: str | None
    name: str | None
    number: str | None


class ScheduleView(View):
    """By which plan it is paid."""

    amount_rule: payments.corporate.AmountRule
    amount: MoneyView
    payment_max: MoneyView
    rhythm: payments.corporate.Rhythm
    day: int
    convention: payments.corporate.Convention
    first_on: date
    last_on: date | None
    count_max: int | None
    pay_at: Instant | None
    retry_days: int


class InstructionView(View):
    """What somebody wants to be paid, and who has approved it."""

    id: InstructionId
    merchant: MerchantId
    sha256: Sha256
    kind: payments.corporate.InstructionKind
    state: payments.corporate.InstructionState
    payee: PayeeView
    amount: MoneyView = Field(description="Of a schedule: the most that one payment can be.")
    description: str
    schedule: ScheduleView | None
    approvers: int = Field(description="How many approvals it takes.")
    approved_by: list[CustomerId]
    made_by: CustomerId
    made_at: Instant
    expires_at: Instant
    decided_at: Instant | None
    payment: PaymentId | None = Field(description="The payment that it became.")


class RunView(View):
    """What became of a due date."""

    number: int
    nominal_on: date
    due_on: date
    state: payments.corporate.RunState
    amount: MoneyView | None
    payment: PaymentId | None
    reason: str | None
    tries: int
    run_at: Instant


class StandingOrderView(View):
    """A standing order or scheduled payment, and its next date."""

    id: InstructionId
    merchant: MerchantId
    state: payments.corporate.StandingState
    schedule: ScheduleView
    description: str
    number: int = Field(description="Which of its dates is the next one, or was the last.")
    due_on: date | None = Field(description="Null while the business calendar does not reach it.")
    next_try_at: Instant | None
    tries: int
    runs: list[RunView] = Field(description="The latest due dates, latest first.")


class BandView(View):
    """From an amount on it takes so many approvers."""

    amount_from: MoneyView
    approvers: int


class MandateView(View):
    """What a business may pay."""

    merchant: MerchantId
    payment_max: MoneyView
    day_max: MoneyView
    total_max: MoneyView | None
    bands: list[BandView]
    set_at: Instant


def make_act(instruction: payments.corporate.Instruction, payer: int) -> identity.Act:
    """Return what an approver proves a factor for: this content, this sum, this payer."""
    return identity.Act(
        kind=APPROVE,
        amount=instruction.amount,
        payer=ledger.show_account(payer),
        payee=instruction.digest.hex(),
    )


def show_instruction(
    instruction: payments.corporate.Instruction,
    payee: payments.corporate.NewPayee | None = None,
) -> InstructionView:
    """Return an instruction as a view, with its payee's name and number if they are given."""
    content = corporate.read_content(instruction)
    plan, order_id = content.plan, instruction.order_id
    account = instruction.payee.account_id
    return InstructionView(
        id=show_id(ids.INSTRUCTION, instruction.id),
        merchant=show_id(MERCHANT, instruction.merchant_id),
        sha256=instruction.digest.hex(),
        kind=instruction.kind,
        state=instruction.state,
        payee=PayeeView(
            account=None if account is None else ledger.show_account(account),
            bank_code=instruction.payee.bank_code,
            name=None if payee is None else payee.name or None,
            number=None if payee is None else payee.number,
        ),
        amount=show_money(instruction.amount),
        description=content.description,
        schedule=None if plan is None else show_schedule(plan),
        approvers=instruction.approvers,
        approved_by=[show_id(ids.CUSTOMER, each) for each in instruction.approved_by],
        made_by=show_id(ids.CUSTOMER, instruction.made_by),
        made_at=instruction.made_at,
        expires_at=instruction.expires_at,
        decided_at=instruction.decided_at,
        payment=None if order_id is None else show_id(ids.PAYMENT, order_id),
    )


def show_schedule(plan: payments.corporate.Plan) -> ScheduleView:
    """Return a plan as a view."""
    return ScheduleView(
        amount_rule=plan.amount_rule,
        amount=show_money(Money(plan.amount, plan.currency)),
        payment_max=show_money(Money(plan.payment_max, plan.currency)),
        rhythm=plan.rhythm,
        day=plan.day,
        convention=plan.convention,
        first_on=plan.first_on,
        last_on=plan.last_on,
        count_max=plan.count_max,
        pay_at=plan.pay_at,
        retry_days=plan.retry_days,
    )


def show_standing(
    order: payments.corporate.StandingOrder, runs: list[payments.corporate.StandingRun]
) -> StandingOrderView:
    """Return a standing order with its latest runs as a view."""
    return StandingOrderView(
        id=show_id(ids.INSTRUCTION, order.id),
        merchant=show_id(MERCHANT, order.merchant_id),
        state=order.state,
        schedule=show_schedule(order.plan),
        description=order.plan.description,
        number=order.number,
        due_on=order.due_on,
        next_try_at=order.next_try_at,
        tries=order.tries,
        runs=[_show_run(run) for run in runs],
    )


def _show_run(run: payments.corporate.StandingRun) -> RunView:
    order_id = run.order_id
    return RunView(
        number=run.number,
        nominal_on=run.nominal_on,
        due_on=run.due_on,
        state=run.state,
        amount=show_money_or_none(run.amount),
        payment=None if order_id is None else show_id(ids.PAYMENT, order_id),
        reason=run.reason,
        tries=run.tries,
        run_at=run.run_at,
    )


def show_mandate(mandate: payments.corporate.Mandate) -> MandateView:
    """Return a mandate as a view."""
    return MandateView(
        merchant=show_id(MERCHANT, mandate.merchant_id),
        payment_max=show_money(mandate.payment_max),
        day_max=show_money(mandate.day_max),
        total_max=show_money_or_none(mandate.total_max),
        bands=[
            BandView(amount_from=show_money(band.amount_from), approvers=band.approvers)
            for band in mandate.bands
        ],
        set_at=mandate.set_at,
    )
