"""The credit report of an applicant: asked for between two transactions, never inside one."""

import uuid

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
    """Have the applicant's report ready for the decision, if there is a bureau and a need.

    A person whose identity was never verified is not asked about, nor is one whose application was
    handed in already. Raises what `begin_report` raises; whatever fails outside leaves the
    application without a report.
    """
    if bureau is None:
        return
    now = clock.now()

    async def begin(
        uow: UnitOfWork,
    ) -> tuple[lending.applications.ReportQuery, lending.bureau.Question] | None:
        application = await lending.applications.get_application(uow, application_id)
        if application.stage is not lending.applications.Stage.DRAFT:
            return None
        person = await customers.open_verified_person(
            uow, vault, application.customer_id, on=business_day(now)
        )
        if person is None:
            return None
        query = await lending.applications.begin_report(
            uow, vault, application_id, query_id=uuid7(), rulebook=rulebook, now=now
        )
        if query is None:
            return None
        consent = show_id(CONSENT, query.consent_id)
        return query, lending.bureau.Question(
            name=person.name, id_number=person.id_number, consent=consent
        )

    begun = await database.run(begin, caller)
    if begun is None:
        return
    query, question = begun
    answer = await bureau.ask(question, request_id=query.id)
    await database.run(
        lambda uow: lending.applications.end_report(uow, vault, query, answer, now=clock.now()),
        caller,
    )
