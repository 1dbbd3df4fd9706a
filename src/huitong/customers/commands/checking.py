"""Checking applications outside: read evidence, ask with no transaction open, record the answers.

Whatever is out (a registry, the picture desk) is asked again in a later round, with the same
request ids, and after the last round it is a remark that staff look at.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from huitong.customers.checks import (
    BankCardQuestion,
    CheckAnswer,
    CheckVerdict,
    IdentityQuestion,
    LivenessQuestion,
    MobileQuestion,
    Trouble,
)
from huitong.customers.commands.deciding import give_up, record_outcome
from huitong.customers.evidence import CardSide, check_mobile
from huitong.customers.evidence.numbers.texts import compact
from huitong.customers.onboarding import sealing, store
from huitong.customers.onboarding.documents import is_readable, read_number
from huitong.customers.onboarding.types import (
    Application,
    ApplicationState,
    EvidenceDesk,
    IdentityDocument,
    OnDecision,
    Outcome,
    PersonDetails,
    PictureKind,
    Registries,
    do_nothing,
)
from huitong.kernel import limits
from huitong.kernel.clock import Clock, business_day
from huitong.kernel.cryptography import SealBroken
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import Fault
from huitong.kernel.ids import APPLICATION, show_id
from huitong.kernel.logs import get_logger
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import DataDestroyed, Vault

ResultT = TypeVar("ResultT")

_log: Final = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What is asked about, open for as long as it takes to ask."""

    application: Application
    person: PersonDetails = field(repr=False)
    pictures: dict[PictureKind, bytes] = field(repr=False)


async def check_applications(
    database: Database,
    vault: Vault,
    desk: EvidenceDesk,
    *,
    rulebook: Rulebook,
    on_decision: OnDecision = do_nothing,
    clock: Clock,
) -> int:
    """Check the applications that are due, a bounded number of them; return how many were taken.

    `on_decision` is told of each approval and refusal, in the transaction that decides. Any number
    of workers may do so at once. One that ends in between leaves its applications to others, who
    take them after the lease.
    """
    for taken in range(limits.APPLICATION_CHECKS_AT_ONCE_MAX):
        # One at a time: the lease is for as long as one may take.
        now = clock.now()
        lease_until = now + timedelta(seconds=limits.APPLICATION_CHECK_LEASE_SECONDS)
        application_id = await _take(database, now, lease_until)
        if application_id is None:
            return taken
        await _check(
            database,
            vault,
            desk,
            application_id,
            rulebook=rulebook,
            on_decision=on_decision,
            clock=clock,
        )
    return limits.APPLICATION_CHECKS_AT_ONCE_MAX


async def _take(database: Database, now: datetime, lease_until: datetime) -> uuid.UUID | None:
    return await database.run(
        lambda uow: store.take_due_application(uow, now=now, lease_until=lease_until)
    )


async def _check(
    database: Database,
    vault: Vault,
    desk: EvidenceDesk,
    application_id: uuid.UUID,
    *,
    rulebook: Rulebook,
    on_decision: OnDecision,
    clock: Clock,
) -> None:
    async def give_up_as(state: ApplicationState) -> None:
        await database.run(
            lambda uow: give_up(
                uow,
                application_id=application_id,
                state=state,
                on_decision=on_decision,
                now=clock.now(),
            )
        )

    try:
        async with database.reading() as uow:
            evidence = await _read_evidence(uow, vault, application_id)
    except DataDestroyed:
        # The person asked for deletion meanwhile: nobody is left to be checked.
        await give_up_as(ApplicationState.REFUSED)
        return
    except SealBroken:
        # Evidence that was changed behind our back: somebody has to look at how.
        _log.error("evidence_broken", application=show_id(APPLICATION, application_id))
        await give_up_as(ApplicationState.PENDING_REVIEW)
        return
    outcome = await _ask(desk, evidence, clock)
    is_last = evidence.application.check_attempts >= limits.APPLICATION_CHECK_ATTEMPTS_MAX
    if not is_last and _is_worth_another(outcome):
        now = clock.now()
        due_at = now + timedelta(seconds=limits.APPLICATION_CHECK_RETRY_SECONDS)
        await database.run(
            lambda uow: store.postpone_checks(
                uow, application_id, outcome.answers, due_at=due_at, now=now
            )
        )
        _log.warning("checks_postponed", attempt=evidence.application.check_attempts)
        return
    await database.run(
        lambda uow: record_outcome(
            uow,
            vault,
            application_id=application_id,
            outcome=outcome,
            rulebook=rulebook,
            on_decision=on_decision,
            now=clock.now(),
        )
    )


async def _read_evidence(uow: UnitOfWork, vault: Vault, application_id: uuid.UUID) -> _Evidence:
    application = await store.find_application(uow, application_id)
    assert application is not None, "it was taken a moment ago"
    assert application.sealed_person is not None, "it was handed in with a person"
    person = await sealing.open_person_details(
        uow, vault, application_id, application.sealed_person
    )
    parts = await store.list_picture_parts(uow, application_id)
    pictures = {
        kind: await sealing.open_picture(uow, vault, application_id, kind, each)
        for kind, each in parts.items()
    }
    return _Evidence(application=application, person=person, pictures=pictures)


async def _ask(desk: EvidenceDesk, evidence: _Evidence, clock: Clock) -> Outcome:
    pictures, reader = evidence.pictures, desk.reader
    if evidence.person.document is IdentityDocument.PASSPORT:
        page = pictures[PictureKind.PASSPORT]
        today = business_day(clock.now())
        answers, passport, faces = await asyncio.gather(
            _ask_registries(desk.registries, evidence, clock),
            _try(lambda: reader.read_passport(page, today=today, field="passport")),
            _try(lambda: desk.faces.compare(document=page, selfie=pictures[PictureKind.SELFIE])),
        )
        return Outcome(answers=answers, front=None, back=None, faces=faces, passport=passport)
    front_page, back_page = pictures[PictureKind.ID_FRONT], pictures[PictureKind.ID_BACK]
    answers, front, back, faces = await asyncio.gather(
        _ask_registries(desk.registries, evidence, clock),
        _try(lambda: reader.read_card(front_page, side=CardSide.FRONT, field="id_front")),
        _try(lambda: reader.read_card(back_page, side=CardSide.BACK, field="id_back")),
        _try(lambda: desk.faces.compare(document=front_page, selfie=pictures[PictureKind.SELFIE])),
    )
    return Outcome(answers=answers, front=front, back=back, faces=faces)


async def _ask_registries(
    registries: Registries | None, evidence: _Evidence, clock: Clock
) -> tuple[CheckAnswer, ...]:
    person = evidence.person
    today = business_day(clock.now())
    id_number = read_number(person, today)
    mobile = check_mobile(person.mobile)
    # A number that breaks its standard is refused without paying anybody for an answer.
    is_worth_asking = is_readable(person, today) and mobile.facts is not None
    if registries is None or id_number is None or not is_worth_asking:
        return ()
    assert mobile.facts is not None, "it was looked at a line above"
    name, phone, id_kind = person.name, mobile.facts.number, person.document.value
    selfie = evidence.pictures[PictureKind.SELFIE]

    def request_id(what: str) -> uuid.UUID:
        return uuid.uuid5(evidence.application.id, what)

    answers = [
        registries.check_mobile(
            MobileQuestion(mobile=phone, name=name, id_number=id_number, id_kind=id_kind),
            request_id=request_id("mobile"),
        ),
        registries.check_liveness(
            LivenessQuestion(picture=selfie), request_id=request_id("liveness")
        ),
    ]
    answers += [
        registries.check_bank_card(
            BankCardQuestion(
                card_number=compact(card),
                name=name,
                id_number=id_number,
                mobile=phone,
                id_kind=id_kind,
            ),
            request_id=request_id(f"bank_card_{place}"),
        )
        for place, card in enumerate(person.bank_cards)
    ]
    # The register of identity cards knows no passports.
    if person.document is IdentityDocument.RESIDENT_ID:
        answers.append(
            registries.check_identity(
                IdentityQuestion(name=name, id_number=id_number, photo=selfie),
                request_id=request_id("identity"),
            )
        )
    return tuple(await asyncio.gather(*answers))


def _is_worth_another(outcome: Outcome) -> bool:
    """Whether something was out that may be there again, and nothing is a no already."""
    is_card_out = outcome.front is None or outcome.back is None
    is_desk_out = outcome.faces is None or (outcome.passport is None and is_card_out)
    return is_desk_out or any(
        answer.verdict is CheckVerdict.UNAVAILABLE and answer.trouble is not Trouble.REFUSED
        for answer in outcome.answers
    )


async def _try(work: Callable[[], Awaitable[ResultT]]) -> ResultT | None:
    try:
        return await work()
    except Fault as fault:
        _log.warning("picture_desk_out", code=fault.code)
        return None
