"""A desk of investigators: decisions that raise alerts, cases of them, and staff who work."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.risk.decisioning.rules.conftest import Desk

from huitong import identity, risk
from huitong.identity.staff_types import StaffState
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import STAFF, show_id, uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.risk import Participant, Side

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
RULEBOOK = Rulebook.load()


def customer(number: int) -> risk.Entity:
    return risk.Entity.of_id(risk.EntityKind.CUSTOMER, uuid.UUID(int=number))


def account(number: int) -> risk.Entity:
    return risk.Entity.of_account(number)


def device(number: int) -> risk.Entity:
    return risk.Entity.of_id(risk.EntityKind.DEVICE, uuid.UUID(int=number))


def address(number: int) -> risk.Entity:
    return risk.Entity(risk.EntityKind.ADDRESS, number.to_bytes(16, "big"))


def payment(payer: int, payee: int, *means: risk.Entity) -> tuple[Participant, ...]:
    """Return who takes part in a payment between two customers with accounts of their number."""
    return (
        Participant(Side.ACTOR, account(payer)),
        Participant(Side.ACTOR, customer(payer)),
        Participant(Side.COUNTERPARTY, account(payee)),
        Participant(Side.COUNTERPARTY, customer(payee)),
        *(Participant(Side.MEANS, each) for each in means),
    )


@dataclass
class Links:
    """A history of other rooms."""

    links: list[risk.Link] = field(default_factory=list)

    async def find_links(
        self, _uow: UnitOfWork, entities: Sequence[risk.Entity], *, since: datetime, each_max: int
    ) -> dict[risk.Link, risk.Seen]:
        assert since == NOW - timedelta(days=30)
        found: dict[risk.Link, risk.Seen] = {}
        for entity in entities:
            of_entity = [each for each in self.links if entity in {each.source, each.target}]
            for link in of_entity[:each_max]:
                found[link] = risk.Seen(times=1, first_at=NOW, last_at=NOW)
        return found

    def uses(self, number: int, means: risk.Entity) -> None:
        self.links.append(risk.Link(risk.LinkType.USES, customer(number), means))

    def pays(self, payer: int, payee: int) -> None:
        self.links.append(risk.Link(risk.LinkType.PAYS, account(payer), account(payee)))


@dataclass
class Office:
    """Where alerts come in and people work on cases."""

    database: Database
    desk: Desk
    history: Links = field(default_factory=Links)

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await self.database.run(command, Caller(actor="worker"))

    async def decide(
        self,
        participants: Sequence[Participant],
        *,
        action: risk.Action = risk.Action.BLOCK,
        amount: str | None = "100.00",
        listed: tuple[risk.Listed, ...] = (),
    ) -> uuid.UUID:
        """Record a decision as it is made in the path, and return its id."""
        decision = risk.Decision(
            id=uuid7(),
            purpose=risk.Purpose.PAYMENT,
            action=action,
            decided_at=NOW,
            listed=listed,
            fallback=risk.Fallback.NO_RULES,
            participants=tuple(participants),
            amount=None if amount is None else Money.parse(amount, "CNY"),
        )
        await self.run(lambda uow: risk.record_decisions(uow, [decision]))
        return decision.id

    async def group(self) -> int:
        grouped: int = await self.run(
            lambda uow: risk.group_alerts(uow, sources=[self.history], rulebook=RULEBOOK, now=NOW)
        )
        return grouped

    async def alert(self, *payments: tuple[Participant, ...]) -> list[uuid.UUID]:
        """Block payments one after the other, and return their cases as they are at the end."""
        ids = []
        for participants in payments:
            ids.append(await self.decide(participants))
            while await self.group():
                pass
        cases = await self.cases()
        return [cases[each] for each in ids]

    async def cases(self) -> dict[uuid.UUID, uuid.UUID]:
        rows = await self.run(
            lambda uow: uow.execute("SELECT decision_id, case_id FROM risk.alerts")
        )
        return {row.decision_id: row.case_id for row in rows}

    async def get(self, case_id: uuid.UUID) -> risk.Case:
        found: risk.Case = await self.run(lambda uow: risk.get_case(uow, case_id))
        return found

    async def entries(self, case_id: uuid.UUID) -> list[risk.Entry]:
        found: list[risk.Entry] = await self.run(
            lambda uow: risk.list_case_entries(uow, case_id, limit=100)
        )
        return found

    async def hire(self, *roles: str, customer_id: uuid.UUID | None = None) -> "Investigator":
        """Return a new member of staff."""
        who = identity.Staff(
            id=uuid7(),
            state=StaffState.ACTIVE,
            roles=frozenset(roles or ("risk",)),
            customer_id=customer_id,
            created_at=NOW,
        )

        async def insert(uow: UnitOfWork) -> None:
            await uow.execute(
                "INSERT INTO identity.staff (id, name_sealed, email_sealed, email_index, state, "
                "created_at) VALUES (:id, 'x', 'x', :email, 'active', :now)",
                id=who.id,
                email=who.id.bytes * 2,
                now=NOW,
            )
            await uow.execute(
                "INSERT INTO identity.staff_roles (id, staff_id, role, granted_at) "
                "SELECT gen_random_uuid(), :id, r, :now FROM unnest(CAST(:roles AS text[])) r",
                id=who.id,
                roles=sorted(who.roles),
                now=NOW,
            )

        await self.run(insert)
        return Investigator(self, who)


@dataclass
class Investigator:
    """A member of staff at work."""

    office: Office
    staff: identity.Staff

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        caller = Caller(actor=show_id(STAFF, self.staff.id))
        return await self.office.database.run(command, caller)

    async def take(self, case_id: uuid.UUID) -> risk.Case:
        return await self.hand_over(case_id, self)

    async def hand_over(self, case_id: uuid.UUID, to: "Investigator") -> risk.Case:
        case: risk.Case = await self.run(
            lambda uow: risk.assign_case(
                uow, case_id=case_id, staff=self.staff, to=to.staff, now=NOW
            )
        )
        return case

    async def release(self, case_id: uuid.UUID) -> risk.Case:
        case: risk.Case = await self.run(
            lambda uow: risk.release_case(uow, case_id=case_id, staff=self.staff, now=NOW)
        )
        return case

    async def note(self, case_id: uuid.UUID, note: str) -> None:
        await self.run(
            lambda uow: risk.add_note(uow, case_id=case_id, staff=self.staff, note=note, now=NOW)
        )

    async def close(
        self, case_id: uuid.UUID, outcome: str = "fraud", *, seen: int = 1, note: str = "seen"
    ) -> risk.Case:
        finding = risk.Finding(outcome=risk.Outcome(outcome), note=note, alerts_seen=seen)
        case: risk.Case = await self.run(
            lambda uow: risk.close_case(
                uow, case_id=case_id, staff=self.staff, finding=finding, now=NOW
            )
        )
        return case


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, Desk(database, now=NOW))
