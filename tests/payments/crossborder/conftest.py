"""The bureau, over a bank abroad on a real socket; its books must tie at the end of every test."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.payments.crossborder.bureau import LIST, RULES, Bureau, fund, name_user

from huitong.kernel.clock import FixedClock
from huitong.kernel.serving import serve_inside
from huitong.payments import bulk, crossborder


@pytest.fixture
async def bureau(town: Any, now: Any) -> AsyncIterator[Bureau]:
    merchant = await town.add_merchant("汇通进出口", fee_rate="0")
    await fund(town, merchant.account_id, "900000.00", now)
    maker, checker = [await town.add_customer(name) for name in ("李雷", "韩梅")]
    await name_user(town, merchant, maker, bulk.Role.SUBMITTER, now)
    await name_user(town, merchant, checker, bulk.Role.APPROVER, now)
    clock = FixedClock(now)
    correspondent = crossborder.CorrespondentSimulator(clock=clock)
    async with (
        serve_inside(correspondent.application()) as url,
        crossborder.HttpCorrespondent(url, timeout_seconds=5) as channel,
    ):
        bureau = Bureau(town, clock, correspondent, channel, merchant, maker, checker)
        bureau.screener = crossborder.ListScreener(town.database, RULES)
        await bureau.set_rates()
        await bureau.run(crossborder.load_list, name="test", content=LIST.encode())
        yield bureau
    await bureau.check()


@pytest.fixture
async def person(town: Any) -> Any:
    return await town.add_customer("赵敏", "500000.00")
