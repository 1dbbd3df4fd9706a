"""Files of payments count against the mandate of the business whose account they pay from."""

from collections.abc import Sequence
from datetime import datetime

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.ledger import MeterUse
from huitong.payments.bulk import BulkFile, DueLine
from huitong.payments.corporate import store
from huitong.payments.corporate.errors import MandateExceeded
from huitong.payments.corporate.paying import count_payment


async def count_file(
    uow: UnitOfWork, file: BulkFile, largest: DueLine, now: datetime
) -> Sequence[MeterUse]:
    """Return what a file's total counts against, for the entry that reserves its money.

    The mandate does not end before this transaction has. A business without one has only the limits
    of those who act for it. What is counted stays counted, also of lines that fail afterwards, as
    with every payment of the business that fails on its way. Raises MandateExceeded, naming the
    line, if the largest is above what one payment may be.
    """
    mandate = await store.find_mandate(uow, file.merchant_id, is_kept=True)
    if mandate is None:
        return ()
    if largest.amount > mandate.payment_max.minor:
        raise MandateExceeded(
            f"line {largest.number} is above what one payment may be, {mandate.payment_max}",
            field="lines",
            context={"line": largest.number, "payment_max": mandate.payment_max.format()},
        )
    return (count_payment(file.payer_account_id, mandate, file.total, now),)
