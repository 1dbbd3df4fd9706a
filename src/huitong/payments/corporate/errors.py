"""Refusals about corporate accounts."""

from huitong.kernel.errors import Conflict, InvalidField, LimitExceeded, NotFound, Refusal


class CorporateNotAllowed(Refusal):
    """The person may not do this for the business, or not for so much money."""

    code = "corporate_not_allowed"
    title = "This person may not do that for the business"


class MandateMissing(Refusal):
    """Nobody has said what the business may pay."""

    code = "mandate_missing"
    title = "The business has no mandate for payments"


class MandateExceeded(LimitExceeded):
    """The amount is above what the mandate lets one payment be."""

    code = "mandate_exceeded"
    title = "The amount is above the mandate"


class MandateChanged(Conflict):
    """Another mandate is in force than when the instruction was made."""

    code = "mandate_changed"
    title = "The mandate was changed since: make the instruction anew"


class InstructionNotFound(NotFound):
    """There is no such instruction of a business that the person acts for."""

    code = "instruction_not_found"
    title = "There is no such instruction"


class InstructionNotWaiting(Conflict):
    """The instruction does not wait for approval any more."""

    code = "instruction_not_waiting"
    title = "The instruction does not wait for approval"


class InstructionChanged(Conflict):
    """What is to be approved is not what was instructed."""

    code = "instruction_changed"
    title = "The instruction is another than the one that was seen"


class InstructionExpired(Refusal):
    """Nobody approved in time."""

    code = "instruction_expired"
    title = "The instruction was not approved in time"


class PayeeNameDiffers(InvalidField):
    """The account is somebody else's than the payer thinks."""

    code = "payee_name_differs"
    title = "The name is not the account holder's"


class ScheduleInvalid(InvalidField):
    """A schedule that has no due date, or contradicts itself."""

    code = "schedule_invalid"
    title = "This is not a schedule"


class StandingOrderNotFound(NotFound):
    """There is no such standing order or scheduled payment of the business."""

    code = "standing_order_not_found"
    title = "There is no such standing order"


class StandingOrderOver(Conflict):
    """It has been paid or cancelled, so that nothing is left to cancel."""

    code = "standing_order_over"
    title = "Nothing of the standing order is left to be paid"


class NothingToPay(Refusal):
    """The balance is not above what is to stay."""

    code = "nothing_to_pay"
    title = "There is nothing to pay"


class PoolNotFound(NotFound):
    """There is no such pool."""

    code = "pool_not_found"
    title = "There is no such pool"


class PoolInvalid(InvalidField):
    """Members or rules of a pool that do not fit together."""

    code = "pool_invalid"
    title = "The pool cannot be like that"


class PoolMemberTaken(Conflict):
    """An account is in one pool at most, and no header is a member."""

    code = "pool_member_taken"
    title = "The account is in a pool already"


class SweepRaced(Refusal):
    """Balances moved while a sweep was calculated, again and again."""

    code = "sweep_raced"
    title = "The balances moved while the sweep was calculated"


class CollectionNotFound(NotFound):
    """The business has no collection account."""

    code = "collection_not_found"
    title = "The business has no collection account"


class CollectionExists(Conflict):
    """The business has a collection account already."""

    code = "collection_exists"
    title = "The business has a collection account already"


class VirtualAccountNotFound(NotFound):
    """There is no such virtual account of the business."""

    code = "virtual_account_not_found"
    title = "There is no such virtual account"


class VirtualAccountShort(Refusal):
    """The virtual account holds less."""

    code = "virtual_account_short"
    title = "The virtual account holds less than that"


class VirtualReferenceUsed(Conflict):
    """An open virtual account of the business has this reference."""

    code = "virtual_reference_used"
    title = "Another open virtual account has this reference"


class PayInIdReused(Conflict):
    """The bank's reference came before with other content."""

    code = "pay_in_id_reused"
    title = "This reference belongs to another incoming payment"


class PayInNotFound(NotFound):
    """There is no such incoming payment."""

    code = "pay_in_not_found"
    title = "There is no such incoming payment"


class PayInNotOpen(Conflict):
    """Nothing is left to decide about the incoming payment."""

    code = "pay_in_not_open"
    title = "The incoming payment does not wait for anybody"
