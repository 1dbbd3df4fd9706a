"""The office whose files are paid; its books must tie at the end of every test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.payments.bulk.office import Office

from huitong.kernel.money import Money
from huitong.payments import bulk


@pytest.fixture
async def office(town: Any, now: Any, new_id: Any) -> AsyncIterator[Office]:
    merchant = await town.add_merchant("茶馆", fee_rate="0")
    rich = await town.add_customer("王芳", "5000.00")
    await town.buy(rich, merchant, "1000.00")
    maker, checker = [await town.add_customer(name) for name in ("李雷", "韩梅")]
    staff = [await town.add_customer(f"员工{at}") for at in range(5)]
    office = Office(town, now, new_id, merchant, maker, checker, staff)
    for customer, role in ((maker, bulk.Role.SUBMITTER), (checker, bulk.Role.APPROVER)):
        user = bulk.BusinessUser(
            merchant_id=merchant.id,
            customer_id=customer.id,
            role=role,
            amount_max=Money.parse("800.00", "CNY"),
        )
        await town.database.run(lambda uow, user=user: bulk.name_business_user(uow, user, now=now))
    yield office
    await town.check_ties()
