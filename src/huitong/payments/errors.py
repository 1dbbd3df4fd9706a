"""Why a payment is refused: its own reasons, and one class for each of the ledger's.

The codes are part of the public API.
"""

from collections.abc import Mapping
from typing import Final

from huitong.kernel.errors import Conflict, LimitExceeded, NotFound, Refusal
from huitong.kernel.money import CurrencyMismatch
from huitong.ledger import Outcome, Reason, show_account


class AccountNotFound(NotFound):
    """An account that was named does not exist, or is not one that may be used so."""

    code = "account_not_found"
    title = "There is no such account"


class GuardianMustAct(Conflict):
    """The account is a young child's, who may do nothing alone (民法典 Art. 20)."""

    code = "guardian_must_act"
    title = "Only the guardian may pay from this account"


class NotTheGuardian(Conflict):
    """Who was named as the guardian is not the payer's, or cannot act now."""

    code = "not_the_guardian"
    title = "This customer cannot act for the account now"


class MinorLimitExceeded(LimitExceeded):
    """The payment is larger than a minor may make alone (民法典 Art. 19)."""

    code = "minor_limit_exceeded"
    title = "The payment is larger than a minor may make alone"


class AccountFrozen(Conflict):
    """An account is frozen in the direction that the money would go."""

    code = "account_frozen"
    title = "The account is frozen"


class AccountClosed(Conflict):
    """An account is closed."""

    code = "account_closed"
    title = "The account was closed"


class PaymentBlocked(Refusal):
    """Risk stopped it; the decision has the reasons."""

    code = "payment_blocked"
    title = "The payment was stopped"


class StoppedPaymentNotFound(NotFound):
    """Risk has not stopped this payment, or it is somebody else's."""

    code = "stopped_payment_not_found"
    title = "There is no such payment among those that were stopped"


class AppealGiven(Conflict):
    """There is an appeal already, or an answer to it."""

    code = "appeal_given"
    title = "Another word on this payment is kept already"


class AppealMissing(Conflict):
    """There is nothing to answer."""

    code = "appeal_missing"
    title = "The payer has not appealed"


class PaymentNeedsStepUp(Refusal):
    """Risk asks for one factor more than the payer has proved."""

    code = "payment_needs_step_up"
    title = "The payment needs one more proof of who pays"


class WithdrawalNotHeld(Conflict):
    """It was sent to the bank, given up, or never waited."""

    code = "withdrawal_not_held"
    title = "The withdrawal does not wait any more"


class SameAccount(Refusal):
    """Payer and payee are one account."""

    code = "same_account"
    title = "Money cannot go from an account to itself"


class AmountNotPositive(Refusal):
    """Only more than nothing can be moved."""

    code = "amount_not_positive"
    title = "The amount must be above zero"


class AmountTooLarge(LimitExceeded):
    """An account's totals would not fit their numbers."""

    code = "amount_too_large"
    title = "The amount is too large"


class InsufficientFunds(Conflict):
    """The account has less than that available."""

    code = "insufficient_funds"
    title = "There is not enough money in the account"


class CreditsExceedDebits(Conflict):
    """The account's credits may not outgrow its debits."""

    code = "credits_exceed_debits"
    title = "The account would be credited with more than it was debited"


class BalanceTooLarge(LimitExceeded):
    """The payee's account may not hold that much."""

    code = "balance_too_large"
    title = "The account would hold more than it may"


class IdReused(Conflict):
    """An identifier that names one movement of money came with another."""

    code = "id_reused"
    title = "The identifier was used for something else"


class IdTimeOutOfRange(Refusal):
    """An identifier was not made near now."""

    code = "id_time_out_of_range"
    title = "The identifier is too old, or from the future"


class HoldNotFound(NotFound):
    """There is no such hold."""

    code = "hold_not_found"
    title = "There is no such hold"


class HoldPosted(Conflict):
    """The hold was captured."""

    code = "hold_posted"
    title = "The hold was captured already"


class HoldVoided(Conflict):
    """The hold was cancelled."""

    code = "hold_voided"
    title = "The hold was cancelled already"


class HoldExpired(Conflict):
    """The hold has run out."""

    code = "hold_expired"
    title = "The hold has expired"


class HoldNotExpired(Conflict):
    """The hold still runs."""

    code = "hold_not_expired"
    title = "The hold has not expired yet"


class HoldDiffers(Conflict):
    """The hold is on other accounts, or in another currency."""

    code = "hold_differs"
    title = "The hold is on something else"


class AmountExceedsHold(Conflict):
    """More would be captured than was authorised."""

    code = "amount_exceeds_hold"
    title = "More than was authorised cannot be captured"


class ExpiryInPast(Refusal):
    """A hold would be over before it began."""

    code = "expiry_in_past"
    title = "The expiry is in the past"


class DayLimitExceeded(LimitExceeded):
    """The account's cap of the day."""

    code = "day_limit_exceeded"
    title = "The limit of the day would be exceeded"


class DayCountExceeded(LimitExceeded):
    """The number of payments a day."""

    code = "day_count_exceeded"
    title = "The number of payments a day would be exceeded"


class YearLimitExceeded(LimitExceeded):
    """The cap of the year on an account of this class."""

    code = "year_limit_exceeded"
    title = "The limit of the year would be exceeded"


class TotalLimitExceeded(LimitExceeded):
    """The cap since opening on an account of class 1."""

    code = "total_limit_exceeded"
    title = "The limit since opening would be exceeded"


class CurrencyNotSupported(Refusal):
    """No rule says how much may be paid in this currency, so nothing may."""

    code = "currency_not_supported"
    title = "Payments in this currency are not offered"


class OrderMoveRefused(Conflict):
    """The order's status does not allow that."""

    code = "order_status_conflict"
    title = "The order's status does not allow that"


class OrderAlreadyPaid(Conflict):
    """Somebody has paid the order."""

    code = "order_already_paid"
    title = "The order is paid already"


class OrderExpired(Conflict):
    """The time to pay or capture has run out."""

    code = "order_expired"
    title = "The order has expired"


class ReferenceUsed(Conflict):
    """A merchant's reference names one order."""

    code = "reference_used"
    title = "The merchant has another order with this reference"


class NotRefundable(Conflict):
    """Only payments to merchants are refunded."""

    code = "not_refundable"
    title = "This kind of order cannot be refunded"


class RefundExceedsPayment(Conflict):
    """All refunds together may not be more than was paid."""

    code = "refund_exceeds_payment"
    title = "More than was paid cannot be refunded"


class TooManyRefunds(LimitExceeded):
    """A payment was refunded in too many parts."""

    code = "too_many_refunds"
    title = "The payment was refunded in too many parts"


class ShareReceiverShort(Conflict):
    """A receiver has spent its share, so that a refund cannot take it back."""

    code = "share_receiver_short"
    title = "A receiver of a profit share has not enough to give it back"


class NotShareable(Conflict):
    """Only payments to merchants are shared, by the merchant with others."""

    code = "not_shareable"
    title = "This order's money cannot be shared so"


class ShareExceedsRemainder(Conflict):
    """More would be shared than fee, refunds and earlier shares have left."""

    code = "share_exceeds_remainder"
    title = "More than is left of the payment cannot be shared"


class CodeNotFound(NotFound):
    """No such code was ever issued, or it is long gone."""

    code = "code_not_found"
    title = "There is no such code"


class CodeUsed(Conflict):
    """A one-time code pays once."""

    code = "code_used"
    title = "The code was used already"


class CodeExpired(Conflict):
    """A one-time code lives for a minute."""

    code = "code_expired"
    title = "The code has expired"


class CodeAltered(Refusal):
    """The payload names a code of ours but is not the one that we issued."""

    code = "code_altered"
    title = "The code is not as it was issued"


REFUSAL_BY_REASON: Final[Mapping[Reason, type[Refusal]]] = {
    Reason.ACCOUNT_NOT_FOUND: AccountNotFound,
    Reason.ACCOUNT_FROZEN: AccountFrozen,
    Reason.ACCOUNT_CLOSED: AccountClosed,
    Reason.SAME_ACCOUNT: SameAccount,
    Reason.CURRENCY_MISMATCH: CurrencyMismatch,
    Reason.AMOUNT_NOT_POSITIVE: AmountNotPositive,
    Reason.AMOUNT_TOO_LARGE: AmountTooLarge,
    Reason.INSUFFICIENT_FUNDS: InsufficientFunds,
    Reason.CREDITS_EXCEED_DEBITS: CreditsExceedDebits,
    Reason.BALANCE_TOO_LARGE: BalanceTooLarge,
    Reason.ID_REUSED: IdReused,
    Reason.ID_TIME_OUT_OF_RANGE: IdTimeOutOfRange,
    Reason.HOLD_NOT_FOUND: HoldNotFound,
    Reason.HOLD_POSTED: HoldPosted,
    Reason.HOLD_VOIDED: HoldVoided,
    Reason.HOLD_EXPIRED: HoldExpired,
    Reason.HOLD_NOT_EXPIRED: HoldNotExpired,
    Reason.HOLD_DIFFERS: HoldDiffers,
    Reason.AMOUNT_EXCEEDS_HOLD: AmountExceedsHold,
    Reason.EXPIRY_IN_PAST: ExpiryInPast,
    Reason.DAY_LIMIT_EXCEEDED: DayLimitExceeded,
    Reason.DAY_COUNT_EXCEEDED: DayCountExceeded,
    Reason.YEAR_LIMIT_EXCEEDED: YearLimitExceeded,
    Reason.TOTAL_LIMIT_EXCEEDED: TotalLimitExceeded,
}


def make_refusal(outcome: Outcome, fields: Mapping[int, str] | None = None) -> Refusal:
    """Return the refusal that a refused ledger outcome means.

    `fields` says, by account, which field of the request named it, so that the caller learns which
    one is at fault.
    """
    if outcome.reason is None:
        raise ValueError("the outcome is not a refusal")
    refusal = REFUSAL_BY_REASON[outcome.reason]
    if outcome.account_id is None:
        return refusal(refusal.title)
    shown = show_account(outcome.account_id)
    field = None if fields is None else fields.get(outcome.account_id)
    return refusal(f"{shown}: {refusal.title}", field=field, context={"account": shown})


class OrdersOpen(Conflict):
    """Something of the customer is still on its way."""

    code = "orders_open"
    title = "Orders of the account are still open"
