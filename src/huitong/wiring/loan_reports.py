"""Credit reports of who is named in an application; nobody is asked inside a transaction."""

import asyncio
import uuid
from dataclasses import dataclass

from huitong import customers, lending
from huitong.kernel.clock import Clock, business_day
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import CONSENT, show_id, uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.settings import Settings
from huitong.privacy import Vault
from huitong.wiring.clocks import make_clock


def make_bureau(settings: Settings) -> lending.bureau.HttpBureau | None:
    """Return the client of the bureau that is set, or None; it connects when it is asked.

    Without `HUITONG_BUREAU_URL` nobody is asked, and people decide about loans.
    """
    if settings.bureau_url is None:
        return None
    return lending.bureau.HttpBureau(
        settings.bureau_url,
        secret=settings.bureau_secret or lending.bureau.SIMULATED_SECRET,
        clock=make_clock(settings),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    query: lending.applications.ReportQuery
    question: lending.bureau.Question


async def ask_for_report(
    database: Database,
    vault: Vault,
    bureau: lending.bureau.CreditBureau | None,
    application_id: uuid.UUID,
    *,
    caller: Caller,
    rulebook: Rulebook,
    clock: Clock,
) -> None:
    """Have the reports of everybody named ready for the decision, if there is a bureau.

    All are asked for at once. A person whose identity was never verified is not asked about, nor
    is anybody of an application that was handed in already. Raises what `begin_report` raises;
    whatever fails outside leaves the application without that report.
    """
    if bureau is None:
        return
    now = clock.now()

    async def begin(uow: UnitOfWork) -> list[_Asked]:
        application = await lending.applications.get_application(uow, application_id)
        if application.stage is not lending.applications.Stage.DRAFT:
            return []
        people = [application.customer_id, *(each.customer_id for each in application.parties)]
        begun = []
        for person_id in people:
            person = await customers.open_verified_person(
                uow, vault, person_id, on=business_day(now)
            )
            if person is None:
                continue
            query = await lending.applications.begin_report(
                uow,
                vault,
                application_id,
                query_id=uuid7(),
                subject_id=person_id,
                rulebook=rulebook,
                now=now,
            )
            if query is not None:
                begun.append(_Asked(query, _word(query, person)))
        return begun

    begun = await database.run(begin, caller)
    answers = await asyncio.gather(
        *(bureau.ask(each.question, request_id=each.query.id) for each in begun)
    )

    async def end(uow: UnitOfWork) -> None:
        for each, answer in zip(begun, answers, strict=True):
            await lending.applications.end_report(uow, vault, each.query, answer, now=clock.now())

    if begun:
        await database.run(end, caller)


def _word(
    query: lending.applications.ReportQuery, person: customers.VerifiedPerson
) -> lending.bureau.Question:
    return lending.bureau.Question(
        name=person.name,
        id_number=person.id_number,
        consent=show_id(CONSENT, query.consent_id),
        reason=query.reason,
    )
