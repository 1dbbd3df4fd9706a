"""Why merchants' settlement and disputes say no."""

from huitong.kernel.errors import Conflict, Fault, NotFound, Refusal


class FeePlanNotFound(NotFound):
    """There is no fee plan of that code."""

    code = "fee_plan_not_found"
    title = "There is no such fee plan"


class FeePlanRefused(Conflict):
    """A version of a fee plan contradicts the ones before it, or comes without notice."""

    code = "fee_plan_refused"
    title = "The fee plan cannot be changed like that"


class TermsNotFound(NotFound):
    """The merchant has no terms of settlement."""

    code = "merchant_terms_not_found"
    title = "The merchant has no terms of settlement"


class TermsRefused(Conflict):
    """The terms do not fit the merchant or the terms before."""

    code = "merchant_terms_refused"
    title = "The terms of settlement cannot be agreed on"


class CategoryRefused(Refusal):
    """Merchants of that category are not settled."""

    code = "merchant_category_refused"
    title = "Merchants of that category are not taken"


class SheetNotFound(NotFound):
    """There is no such settlement sheet."""

    code = "settlement_sheet_not_found"
    title = "There is no such settlement sheet"


class PayoutRefused(Conflict):
    """The payout of a sheet is not in the state to be asked for again."""

    code = "payout_refused"
    title = "The payout cannot be asked for again"


class StoreNotFound(NotFound):
    """There is no such store."""

    code = "store_not_found"
    title = "There is no such store"


class TerminalNotFound(NotFound):
    """There is no such terminal."""

    code = "terminal_not_found"
    title = "There is no such terminal"


class TerminalClosed(Conflict):
    """The terminal, or its store, is closed."""

    code = "terminal_closed"
    title = "The terminal is closed"


class TerminalTaken(Conflict):
    """The label or the code belongs to another terminal."""

    code = "terminal_taken"
    title = "Another terminal has that label or code"


class ReceiverRefused(Conflict):
    """That account cannot receive profit shares in the cycle."""

    code = "share_receiver_refused"
    title = "That account cannot receive profit shares"


class DisputeNotFound(NotFound):
    """There is no such dispute."""

    code = "dispute_not_found"
    title = "There is no such dispute"


class DisputeRefused(Conflict):
    """The payment cannot be disputed, or not so much of it."""

    code = "dispute_refused"
    title = "The payment cannot be disputed"


class DisputeMoveRefused(Conflict):
    """That act is not open in the dispute's stage, or not to this side."""

    code = "dispute_move_refused"
    title = "That cannot be done at this stage of the dispute"


class EvidenceRefused(Refusal):
    """A file of evidence cannot be taken."""

    code = "evidence_refused"
    title = "The evidence cannot be taken"


class SettlementMoved(Fault):
    """Balances moved again and again between reading and posting; try again."""

    code = "merchant_settlement_moved"
    title = "The accounts changed during settlement"
