"""Approvals of two members of staff, and short ways to versions of rules."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huitong import risk
from huitong.identity.commands.approvals import digest_request
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.risk import FeatureType, Purpose

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
CATALOGUE = {"amount": FeatureType.INTEGER, "is_new_payee": FeatureType.FLAG}


def make_document(predicate: str = "amount > 5", action: str = "review") -> list[dict[str, Any]]:
    return [
        {
            "key": "large",
            "predicate": predicate,
            "action": action,
            "weight": 10,
            "reason_zh": "金额较大",
            "reason_en": "The amount is large.",
            "source": "test",
        }
    ]


@dataclass
class Desk:
    """A database in which risk staff work."""

    database: Database
    now: datetime = NOW
    catalogue: Mapping[str, FeatureType] = field(default_factory=lambda: CATALOGUE)
    purpose: Purpose = Purpose.PAYMENT

    async def run(self, command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        return await self.database.run(command, Caller(actor="stf_test"))

    async def count(self, table: str) -> int:
        rows = await self.run(lambda uow: uow.execute(f"SELECT count(*) FROM {table}"))
        return int(rows[0][0])

    async def approve(self, act: str = "risk.set_rules_live") -> uuid.UUID:
        """Record what two members of staff decided, and return its id."""
        approval_id, maker, checker = uuid7(), uuid7(), uuid7()
        payload = json.dumps({})

        async def insert(uow: UnitOfWork) -> None:
            for member in (maker, checker):
                await uow.execute(
                    """
                    INSERT INTO identity.staff (id, name_sealed, email_sealed, email_index, state,
                                                created_at)
                    VALUES (:id, 'x', 'x', :email, 'active', :now)
                    """,
                    id=member,
                    email=member.bytes * 2,
                    now=self.now,
                )
            await uow.execute(
                """
                INSERT INTO identity.approvals (id, act, payload, digest, reason, requested_by,
                    requested_at, expires_at, state, decided_by, decided_at, decision_reason,
                    outcome)
                VALUES (:id, :act, :payload, :digest, 'because', :maker, :now, :later, 'approved',
                        :checker, :now, 'seen', '{}')
                """,
                id=approval_id,
                act=act,
                payload=payload,
                digest=bytes.fromhex(digest_request(act, payload)),
                maker=maker,
                checker=checker,
                now=self.now,
                later=self.now + timedelta(days=1),
            )

        await self.run(insert)
        return approval_id

    async def save(self, predicate: str = "amount > 5", action: str = "review") -> Any:
        return await self.run(
            lambda uow: risk.save_rules(
                uow,
                version_id=uuid7(),
                purpose=self.purpose,
                rules=risk.read_rules(make_document(predicate, action), self.catalogue),
                now=self.now,
            )
        )

    async def shadow(self, version: Any) -> Any:
        return await self.run(lambda uow: risk.shadow_rules(uow, version_id=version.id))

    async def test_over_history(self, version: Any, **change: Any) -> Any:
        return await self.run(
            lambda uow: risk.record_backtest(
                uow,
                backtest_id=uuid7(),
                version_id=version.id,
                digest=change.get("digest", version.digest),
                result={"rows": 1},
                now=self.now,
            )
        )

    async def set_live(self, version: Any, *, days: int = 0, **change: Any) -> Any:
        approval_id = await self.approve()
        return await self.run(
            lambda uow: risk.set_rules_live(
                uow,
                version_id=version.id,
                digest=change.get("digest", version.digest),
                effective_from=self.now.date() + timedelta(days=days),
                approval_id=approval_id,
                now=self.now,
            )
        )

    async def make_live(
        self, predicate: str = "amount > 5", *, days: int = 0, action: str = "review"
    ) -> Any:
        version = await self.save(predicate, action)
        await self.shadow(version)
        await self.test_over_history(version)
        return await self.set_live(version, days=days)

    async def retire(self, version: Any, *, approval_id: uuid.UUID | None = None) -> Any:
        return await self.run(
            lambda uow: risk.retire_rules(
                uow, version_id=version.id, approval_id=approval_id, now=self.now
            )
        )


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)
