"""How debtors are told: reminders as notices, and the worker's loop that takes what is due."""

from datetime import datetime
from typing import Final

from huitong import identity, lending
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.loop_types import Loop


async def tell_debtor(uow: UnitOfWork, message: lending.collections.Message) -> bool:
    """Ask for a notice to the debtor's own login, once for each message; False without a login."""
    notice = identity.notices.Notice(
        id=message.id,
        kind=identity.notices.NoticeKind.LOAN_REMINDER,
        texts=message.texts,
        lapses_at=message.lapses_at,
    )
    return await identity.notices.ask_notice_of_subject(
        uow,
        notice,
        audience=identity.Audience.CUSTOMER,
        subject_id=message.customer_id,
        now=message.asked_at,
    )


async def _carry_out_steps(database: Database, now: datetime) -> bool:
    rulebook = Rulebook.load()
    taken = await database.run(
        lambda uow: lending.collections.carry_out_steps(
            uow, tell=tell_debtor, rulebook=rulebook, now=now
        )
    )
    return taken == lending.collections.AUTOMATIC_AT_ONCE_MAX


COLLECTING_LOOPS: Final[tuple[Loop, ...]] = (
    Loop("lending.carry_out_steps", 15.0, _carry_out_steps),
)
