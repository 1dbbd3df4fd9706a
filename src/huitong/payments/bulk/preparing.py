"""Making the next lines of a file ready: read, and assessed as one batch.

What is made ready changes nothing and binds nobody. So it can be made while the lines before are
being paid, and is thrown away if it comes to nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from huitong import customers, risk
from huitong.customers import Party
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.payments.assessing import assess_payments
from huitong.payments.bulk import store
from huitong.payments.bulk.postings import line_ids
from huitong.payments.bulk.types import BulkFile, DueLine
from huitong.payments.deciding import DecidedPayment
from huitong.payments.types import Authentication, OrderKind

_AGE_MAX: Final = timedelta(seconds=limits.BULK_AHEAD_SECONDS_MAX)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadyBatch:
    """Lines of a file in a row, a payment for each, and whether risk lets it through."""

    file: BulkFile
    #: The number of the first line; there may be none from it on.
    first: int
    lines: Sequence[DueLine]
    payments: Sequence[DecidedPayment]
    refused: Sequence[bool]
    made_at: datetime

    @property
    def next_number(self) -> int:
        """The number of the first line behind these."""
        return self.first + len(self.lines)

    def is_for(self, file: BulkFile, first: int, now: datetime) -> bool:
        """Say whether these lines are next, and were assessed a short time ago."""
        is_next = (self.file.id, self.first) == (file.id, first)
        return is_next and timedelta(0) <= now - self.made_at <= _AGE_MAX


async def prepare_batch(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    before: ReadyBatch | None,
    *,
    batch_lines: int = limits.BULK_BATCH_LINES_MAX,
    now: datetime,
) -> ReadyBatch | None:
    """Make the lines behind others ready, without a lock, or those of the file that is next.

    Returns None if there are none behind `before`; without it, if no file is being paid.
    """
    if before is None:
        file = await store.find_paying(uow)
        if file is None:
            return None
        return await make_ready(uow, decider, file, file.next_number, count=batch_lines, now=now)
    if before.next_number > before.file.line_count or not before.lines:
        return None
    return await make_ready(
        uow, decider, before.file, before.next_number, count=batch_lines, now=now
    )


async def make_ready(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    file: BulkFile,
    first: int,
    *,
    count: int,
    now: datetime,
) -> ReadyBatch:
    """Read and assess at most `count` lines from the number `first` on."""
    lines = await store.list_due(uow, file, first, count)
    asked, refused = await _assess(uow, decider, file, lines, now)
    return ReadyBatch(
        file=file, first=first, lines=lines, payments=asked, refused=refused, made_at=now
    )


async def _assess(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    file: BulkFile,
    lines: Sequence[DueLine],
    now: datetime,
) -> tuple[list[DecidedPayment], list[bool]]:
    """Return a payment for each line, and whether it is refused, by one assessment of all."""
    if decider is None or not lines:
        return _ask(file, lines), [False] * len(lines)
    connection = await uow.driver()
    account_ids = {file.payer_account_id, *(line.account_id for line in lines)}
    # Made while the database looks for the parties.
    asking = asyncio.create_task(asyncio.to_thread(_ask, file, lines))
    parties = await customers.find_parties(connection, sorted(account_ids))
    asked = await asking
    checked: list[Refusal | None] = [None] * len(asked)
    answers = await assess_payments(
        connection, decider, asked, checked, _complete(parties, account_ids, file), now=now
    )
    # What would be held and looked at is not paid either: the payer sees why, and pays it alone.
    return asked, [
        answer is not None or payment.stop is not None
        for answer, payment in zip(answers, asked, strict=True)
    ]


def _complete(
    parties: Mapping[int, Party], account_ids: set[int], file: BulkFile
) -> dict[int, Party]:
    # Who has left since is nobody to risk, and the ledger refuses the account.
    nobody = {
        number: Party(account_id=number, currency=file.total.currency) for number in account_ids
    }
    return nobody | dict(parties)


def _ask(file: BulkFile, lines: Sequence[DueLine]) -> list[DecidedPayment]:
    assert file.pay_id is not None
    currency, purpose = file.total.currency, file.purpose.value
    ids = line_ids(file.pay_id, [line.number for line in lines])
    return [
        DecidedPayment(
            order_id=order_id,
            payer_account_id=file.payer_account_id,
            payee_account_id=line.account_id,
            amount=Money(line.amount, currency),
            kind=OrderKind.TRANSFER,
            # Two people of the business stand behind every line.
            authentication=Authentication.TWO_FACTORS,
            file_purpose=purpose,
        )
        for order_id, line in zip(ids, lines, strict=True)
    ]
