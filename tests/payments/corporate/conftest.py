"""The corporation whose payments are made; its books must tie at the end of every test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.payments.corporate.firm import Firm, cny, name_user

from huitong import ledger, payments
from huitong.payments import bulk


@pytest.fixture
async def firm(town: Any, now: Any, new_id: Any) -> AsyncIterator[Firm]:
    merchant = await town.add_merchant("茶馆集团", fee_rate="0")
    supplier = await town.add_merchant("茶园", fee_rate="0")
    rich = await town.add_customer("王芳", "5000.00")
    await town.buy(rich, merchant, "1000.00")
    names = ("李雷", "韩梅", "林涛", "吉姆", "路人")
    maker, first, second, viewer, stranger = [await town.add_customer(name) for name in names]
    firm = Firm(town, now, new_id, merchant, supplier, maker, [first, second], viewer, stranger)
    for customer, role, most in (
        (maker, bulk.Role.SUBMITTER, "600.00"),
        (first, bulk.Role.APPROVER, "600.00"),
        (second, bulk.Role.APPROVER, "450.00"),
        (viewer, bulk.Role.VIEWER, "0.00"),
    ):
        user = bulk.BusinessUser(
            merchant_id=merchant.id, customer_id=customer.id, role=role, amount_max=cny(most)
        )
        await name_user(town, user, now)
    await firm.set_mandate()
    yield firm
    await town.check_ties()
    await ledger.project_all(town.database)
    report = await ledger.verify_ledger(town.database, more=payments.INVARIANTS)
    assert report.findings == ()
