"""A file whose process is killed in each of its steps is submitted, approved and paid once."""

import uuid
from pathlib import Path

import pytest
from tests.payments.bulk.office import LINES, Office
from tests.payments.killing import run_and_kill

from huitong.ledger import AccountState
from huitong.payments import bulk

#: The last one is after the step is done.
MOMENTS = ["statement-2", "before_commit-1", "after_commit-1"]
#: One step, at the time that the test goes by.
STEP = """
from datetime import datetime
from pathlib import Path
from uuid import UUID
from huitong.kernel.cryptography import load_key_ring
from huitong.payments import bulk, corporate
from huitong.privacy import Vault

step, file, merchant, person = sys.argv[4], *map(UUID, sys.argv[5:8])
now, content = datetime.fromisoformat(sys.argv[3]), Path(sys.argv[8])

async def act(uow):
    if step == "pay":
        return await bulk.pay_next_batch(uow, None, batch_lines=3, now=now)
    if step == "approve":
        digest = bulk.identify(content.read_bytes())
        return await bulk.approve_bulk_file(
            uow, corporate.count_file, file_id=file, approved_by=person, digest=digest, now=now)
    vault = Vault(load_key_ring(Path(sys.argv[9])))
    return await bulk.submit_bulk_file(
        uow, vault, bulk.CsvReader(), file_id=file, merchant_id=merchant, submitted_by=person,
        content=content.read_bytes(), now=now)

async def work():
    async with Database(sys.argv[1], role="huitong_app") as database:
        await database.run(act)

asyncio.run(work())
"""


async def test_killed_in_each_step_a_file_ends_exactly_once(
    office: Office, owner_url: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = tmp_path / "payroll.csv"
    content.write_bytes(office.write(*LINES))
    keys = tmp_path_factory.getbasetemp() / "keys0"
    file_id: uuid.UUID = office.new_id()

    async def kill_in(step: str, person: uuid.UUID) -> None:
        for moment in MOMENTS:
            was_killed = await run_and_kill(
                STEP,
                owner_url,
                moment,
                office.now.isoformat(),
                step,
                *(str(each) for each in (file_id, office.merchant.id, person, content, keys)),
            )
            assert was_killed, (step, moment)

    await kill_in("submit", office.maker.id)
    file = await office.town.read(bulk.get_bulk_file, file_id, customer_id=office.maker.id)
    assert (file.state, await office.funds()) == (bulk.FileState.SUBMITTED, "1000.00")
    await kill_in("approve", office.checker.id)
    assert await office.funds() == "850.00"
    await office.freeze(office.staff[1].account_id, AccountState.FROZEN)
    states = [bulk.FileState.PAYING] * 3 + [bulk.FileState.DONE]
    # The money is taken, three lines are paid, two are, and what failed is given back.
    counts = [(0, 0), (2, 1), (4, 1), (4, 1)]
    for state, (paid, failed) in zip(states, counts, strict=True):
        await kill_in("pay", office.maker.id)
        seen = await office.get(file)
        assert (seen.state, seen.paid_count, seen.failed_count) == (state, paid, failed)
    assert not await office.step()
    assert await office.balances() == ["10.00", "0.00", "30.00", "40.00", "50.00"]
    assert (await office.funds(), await office.transit()) == ("870.00", "0.00")
