"""Why exchange and payments abroad are refused."""

from huitong.kernel.errors import Conflict, Fault, NotFound, Refusal


class RateUnavailable(Fault):
    """No rate of that currency can be relied on now; try again."""

    code = "rate_unavailable"
    title = "There is no rate to rely on now"


class RateSourceFault(Fault):
    """The source of rates does not answer, or nonsense."""

    code = "rate_source_fault"
    title = "The source of rates does not answer"


class ScreenerFault(Fault):
    """Names cannot be screened now; what waits for it goes on waiting."""

    code = "screener_fault"
    title = "Names cannot be screened now"


class PairNotOffered(Refusal):
    """That exchange is not offered."""

    code = "pair_not_offered"
    title = "That exchange is not offered"


class AmountTooSmall(Refusal):
    """One side of the exchange would be nothing."""

    code = "exchange_too_small"
    title = "The amount is too small to be exchanged"


class QuoteNotFound(NotFound):
    """There is no such quote of yours."""

    code = "quote_not_found"
    title = "There is no such quote"


class QuoteExpired(Conflict):
    """The quote's time is over."""

    code = "quote_expired"
    title = "The quote has expired"


class QuoteTaken(Conflict):
    """The quote was taken before."""

    code = "quote_taken"
    title = "The quote was taken already"


class QuoteDiffers(Conflict):
    """The quote is for something else."""

    code = "quote_differs"
    title = "The quote is for another amount or currency"


class PositionLimitExceeded(Conflict):
    """The exchange would take a position beyond its limit."""

    code = "position_limit_exceeded"
    title = "We cannot take on that much of the currency now"


class QuotaExceeded(Refusal):
    """The year's personal quota does not allow it."""

    code = "fx_quota_exceeded"
    title = "The personal quota of the year is used up"


class ActingNotAllowed(Refusal):
    """The caller may not do this for that person or business."""

    code = "crossborder_not_allowed"
    title = "You may not do this"


class PurposeNotAllowed(Refusal):
    """That purpose is not for this payer."""

    code = "purpose_not_allowed"
    title = "That purpose is not for this payer"


class PapersMissing(Refusal):
    """Papers that the purpose needs are missing."""

    code = "papers_missing"
    title = "Papers that the purpose needs are missing"


class PaperUsed(Conflict):
    """That paper proves another payment already, or stands already."""

    code = "paper_used"
    title = "That paper was used already"


class PaperNotFound(NotFound):
    """There is no such paper of yours."""

    code = "paper_not_found"
    title = "There is no such paper"


class TravelDataMissing(Refusal):
    """What has to travel with a payment is not complete."""

    code = "travel_data_missing"
    title = "Data that has to travel with the payment is missing"


class CrossBorderNotFound(NotFound):
    """There is no such payment abroad."""

    code = "crossborder_payment_not_found"
    title = "There is no such payment abroad"


class CrossBorderStateRefused(Conflict):
    """The payment is not in the state for that."""

    code = "crossborder_state_refused"
    title = "The payment is not in the state for that"


class CrossBorderMessageRefused(Refusal):
    """The message is not one that is taken here, or says what cannot be."""

    code = "crossborder_message_refused"
    title = "The message was not taken"


class CrossBorderMessageReused(Conflict):
    """That message id came with other content before."""

    code = "crossborder_message_reused"
    title = "That message id belongs to other content"


class ScreeningListInvalid(Refusal):
    """The file is not a list of names."""

    code = "screening_list_invalid"
    title = "The list of names cannot be read"
