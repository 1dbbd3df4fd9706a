"""Short ways to decision tables."""

import copy
from datetime import date
from typing import Any

import pytest
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

DAY = date(2026, 11, 26)
PRICE = risk.get_schema("loan_price")
ELIGIBILITY = risk.get_schema("loan_eligibility")


def price_document(**change: Any) -> dict[str, Any]:
    """Return the default table of prices, changed."""
    document = copy.deepcopy(risk.default_table("loan_price", Rulebook.load(), DAY))
    return {**document, **change}


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def save(desk: Desk, document: Any = None, schema: Any = PRICE) -> Any:
    table = risk.read_table(document or price_document(), schema)
    return await desk.run(
        lambda uow: risk.save_table(uow, version_id=uuid7(), table=table, now=desk.now)
    )


async def set_live(desk: Desk, version: Any, *, day: date = DAY, digest: str | None = None) -> Any:
    approval_id = await desk.approve("risk.set_table_live")
    return await desk.run(
        lambda uow: risk.set_table_live(
            uow,
            version_id=version.id,
            digest=digest or version.digest,
            effective_from=day,
            approval_id=approval_id,
            now=desk.now,
        )
    )
