"""An office that takes applications: evidence of people who do not exist, a desk that obeys."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import pytest

from huitong import customers, ledger
from huitong.customers import (
    Application,
    CardField,
    CardReading,
    CardSide,
    CheckAnswer,
    CheckKind,
    CheckVerdict,
    FaceResult,
    MachineZone,
    PassportReading,
    PersonDetails,
    PictureKind,
    ReadField,
    Sex,
    Trouble,
)
from huitong.customers.onboarding.documents import list_pictures
from huitong.demo.specimens import make_specimen
from huitong.kernel.clock import FixedClock
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault

#: A Monday at noon in Shanghai.
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
PNG = b"\x89PNG\r\n\x1a\n"
#: Cards of four banks, by their first six digits; the last two are of one bank.
CARDS = (
    "6216261000000000018",
    "6222021000000000017",
    "6228481000000000012",
    "6217001000000000015",
    "6217001000000000023",
)
RULEBOOK = Rulebook.load()

Result = TypeVar("Result")


def person_of(seed: int, **changed: Any) -> PersonDetails:
    """Return what the person of a seed would type."""
    specimen = make_specimen(seed, today=TODAY)
    values: dict[str, Any] = {
        "name": specimen.name,
        "sex": Sex.MALE if specimen.sex == "男" else Sex.FEMALE,
        "nationality": "CHN",
        "occupation": "教师",
        "address": specimen.address,
        "mobile": f"1390000{seed:04d}",
        "id_number": specimen.number,
        "valid_from_on": specimen.valid_from_on,
        "valid_until_on": specimen.valid_until_on,
    }
    return PersonDetails(**(values | changed))


class Registries:
    """Answers consistent, unless `verdicts` says otherwise; counts what it was asked."""

    def __init__(self) -> None:
        self.verdicts: dict[CheckKind, CheckVerdict] = {}
        self.asked: list[tuple[CheckKind, uuid.UUID]] = []
        self.database: Database | None = None

    async def check_identity(self, _question: Any, *, request_id: uuid.UUID) -> CheckAnswer:
        return self.answer(CheckKind.IDENTITY, request_id)

    async def check_bank_card(self, _question: Any, *, request_id: uuid.UUID) -> CheckAnswer:
        return self.answer(CheckKind.BANK_CARD, request_id)

    async def check_mobile(self, _question: Any, *, request_id: uuid.UUID) -> CheckAnswer:
        return self.answer(CheckKind.MOBILE, request_id)

    async def check_liveness(self, _question: Any, *, request_id: uuid.UUID) -> CheckAnswer:
        return self.answer(CheckKind.LIVENESS, request_id)

    def answer(self, kind: CheckKind, request_id: uuid.UUID) -> CheckAnswer:
        if self.database is not None:
            # Nothing outside is asked while a connection, and so a transaction, is taken.
            assert self.database.engine.pool.checkedout() == 0
        self.asked.append((kind, request_id))
        verdict = self.verdicts.get(kind, CheckVerdict.CONSISTENT)
        is_out = verdict is CheckVerdict.UNAVAILABLE
        return CheckAnswer(
            request_id=request_id,
            kind=kind,
            verdict=verdict,
            reference=None if is_out else "ref-1",
            trouble=Trouble.TIMED_OUT if is_out else None,
        )


@dataclass
class Desk:
    """Reads on every picture what `person` typed, with `changed` fields or a `reading` instead."""

    person: PersonDetails
    changed: dict[CardField, str] = field(default_factory=dict)
    reading: CardReading | None = None
    passport: PassportReading | None = None
    faces: FaceResult = field(default_factory=lambda: FaceResult(threshold=0.45, distance=0.2))
    fault: Exception | None = None

    async def read_card(
        self, content: bytes, *, side: CardSide | None = None, field: str = "picture"
    ) -> CardReading:
        assert content.startswith(PNG), "the picture came back as it was saved"
        if self.fault is not None:
            raise self.fault
        if self.reading is not None:
            return self.reading
        until = self.person.valid_until_on
        texts = {
            CardField.NAME: self.person.name,
            CardField.SEX: "男" if self.person.sex is Sex.MALE else "女",
            CardField.ADDRESS: self.person.address,
            CardField.NUMBER: self.person.id_number,
            CardField.VALID_FROM_ON: self.person.valid_from_on.isoformat(),
            CardField.VALID_UNTIL_ON: "长期" if until is None else until.isoformat(),
        } | self.changed
        fields = {key: ReadField(text=text, confidence=0.99) for key, text in texts.items()}
        return CardReading(side=side, fields=fields)

    async def read_passport(
        self, content: bytes, *, today: date, field: str = "picture"
    ) -> PassportReading:
        assert content.startswith(PNG), "the picture came back as it was saved"
        if self.fault is not None:
            raise self.fault
        if self.passport is not None:
            return self.passport
        person = self.person
        surname, _, given = (person.name_latin or "").partition(" ")
        zone = MachineZone(
            issuer=person.issuer or "",
            surname=surname,
            given_names=given,
            number=person.id_number,
            nationality=person.nationality,
            birth_on=person.birth_on,
            sex=person.sex,
            valid_until_on=person.valid_until_on,
        )
        return PassportReading(zone=zone, confidence=0.98)

    async def compare(self, *, document: bytes, selfie: bytes) -> FaceResult:
        assert document != selfie
        if self.fault is not None:
            raise self.fault
        return self.faces


@dataclass
class Office:
    """Everything that a test needs to tell a story about applications."""

    database: Database
    vault: Vault
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    registries: Registries = field(default_factory=Registries)

    async def run(self, command: Callable[..., Awaitable[Result]], **values: Any) -> Result:
        """Run one command in a unit of work of its own."""
        return await self.database.run(lambda uow: command(uow, **values))

    async def run_sealed(self, command: Callable[..., Awaitable[Result]], **values: Any) -> Result:
        """The same for a command that takes the vault."""
        return await self.database.run(lambda uow: command(uow, self.vault, **values))

    async def draft(self, person: PersonDetails, requested_class: int = 2) -> uuid.UUID:
        """Start an application and save all of its evidence."""
        application_id = uuid7()
        await self.run(
            customers.start_application,
            application_id=application_id,
            requested_class=requested_class,
            consent_reference="consent-1",
            now=NOW,
        )
        await self.run_sealed(
            customers.save_person,
            application_id=application_id,
            person=person,
            rulebook=RULEBOOK,
            now=NOW,
        )
        for kind in list_pictures(person.document):
            await self.save_picture(application_id, kind)
        return application_id

    async def save_picture(
        self, application_id: uuid.UUID, kind: PictureKind, content: bytes | None = None
    ) -> Application:
        return await self.run_sealed(
            customers.save_picture,
            application_id=application_id,
            kind=kind,
            content=PNG + kind.value.encode() if content is None else content,
        )

    async def submit(self, application_id: uuid.UUID) -> Application:
        return await self.run(
            customers.submit_application, application_id=application_id, now=self.clock.now()
        )

    async def check(self, desk: Desk, *, has_registries: bool = True, is_alone: bool = True) -> int:
        """Check what is due, once; alone, no connection may be taken while registries are asked."""
        self.registries.database = self.database if is_alone else None
        return await customers.check_applications(
            self.database,
            self.vault,
            customers.EvidenceDesk(
                registries=self.registries if has_registries else None, reader=desk, faces=desk
            ),
            rulebook=RULEBOOK,
            clock=self.clock,
        )

    async def apply(
        self, person: PersonDetails, desk: Desk | None = None, *, requested_class: int = 2
    ) -> Application:
        """Tell the whole story of one application, as many rounds as it takes."""
        application_id = await self.draft(person, requested_class)
        await self.submit(application_id)
        while await self.check(desk or Desk(person)):
            self.clock.advance(timedelta(minutes=5))
        return await self.read(application_id)

    async def read(self, application_id: uuid.UUID) -> Application:
        return await self.run(customers.get_application, application_id=application_id)

    async def count(self) -> dict[str, int]:
        tables = ("customers.customers", "customers.identities", "ledger.accounts")
        async with self.database.unit_of_work() as uow:
            return {
                table: await uow.fetch_value(f"SELECT count(*) FROM {table}") for table in tables
            }


@pytest.fixture
async def office(database: Database, vault: Vault) -> Office:
    async with database.unit_of_work() as uow:
        await ledger.install_chart(uow)
        for month in (date(2026, 11, 1), date(2026, 12, 1)):
            await uow.execute("SELECT ledger.add_partition(:month)", month=month)
    return Office(database, vault)


@pytest.fixture(name="person_of")
def _person_of() -> Callable[..., PersonDetails]:
    return person_of


@pytest.fixture
def desk_for() -> type[Desk]:
    """A picture desk that reads what a person typed."""
    return Desk


@pytest.fixture
def bank_cards() -> tuple[str, ...]:
    return CARDS
