"""Why clearing says no."""

from huitong.kernel.errors import Conflict, Fault, NotFound, Refusal


class ParticipantNotFound(NotFound):
    """No participant has that bank code."""

    code = "participant_not_found"
    title = "There is no participant with that bank code"


class ParticipantExists(Conflict):
    """A participant with that bank code is there already."""

    code = "participant_exists"
    title = "That bank takes part already"


class WindowNotFound(NotFound):
    """There is no such netting window."""

    code = "window_not_found"
    title = "There is no such netting window"


class WindowStateRefused(Conflict):
    """A window of that state does not take that step."""

    code = "window_state_refused"
    title = "The netting window is not in the state for that"


class ClearingPaymentIdReused(Conflict):
    """That id belongs to another payment."""

    code = "clearing_payment_id_reused"
    title = "That id belongs to another payment"


class DepositRefused(Conflict):
    """The ledger does not book the deposit, and says why."""

    code = "deposit_refused"
    title = "The deposit was not booked"


class AmountAboveRailCap(Refusal):
    """The system does not take payments of that amount."""

    code = "amount_above_rail_cap"
    title = "The amount is above what that system takes"


class CapBelowUse(Conflict):
    """The new net debit cap is less than what the participant owes now."""

    code = "cap_below_use"
    title = "The participant owes more than that cap"


class SettlementRaced(Fault):
    """Balances moved, or an account was frozen, between reading and posting; try again."""

    code = "settlement_raced"
    title = "The accounts changed during settlement"
