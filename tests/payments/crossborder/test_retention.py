"""What names people in payments abroad is destroyed when the law no longer has it kept."""

from datetime import timedelta
from typing import Any

import pytest
from tests.payments.crossborder.bureau import Bureau

from huitong.payments import crossborder
from huitong.privacy import DataDestroyed, destroy_due

YEARS = timedelta(days=366 * 10 + 1)


async def destroy(bureau: Bureau, retained: Any) -> int:
    found = await bureau.run(destroy_due, retained)
    return (
        0 if found is None else len(found.subjects) if hasattr(found, "subjects") else found.count
    )


async def test_ten_years_after_its_end_a_payment_names_nobody(bureau: Bureau) -> None:
    ended = await bureau.pay(bureau.merchant, "100.00 USD")
    await bureau.work()
    uetr = str(ended.uetr)
    await bureau.take(bureau.correspondent.write_status(uetr, "ACCC"))
    under_way = await bureau.pay(bureau.merchant, "200.00 USD")
    await bureau.work()
    paper = (await bureau.dossier(ended)).papers[0]
    retained = crossborder.EndedPayments(bureau.town.vault)
    bureau.clock.advance(timedelta(days=365 * 9))
    assert await destroy(bureau, retained) == 0
    assert (await bureau.dossier(ended)).counterparty.name
    bureau.clock.advance(YEARS - timedelta(days=365 * 9))
    assert await destroy(bureau, retained) == 1
    with pytest.raises(DataDestroyed):
        await bureau.dossier(ended)
    with pytest.raises(DataDestroyed):
        await bureau.town.read(crossborder.open_paper, bureau.town.vault, paper.id)
    assert (await bureau.dossier(under_way)).counterparty.name
    assert (await bureau.get(ended)).amount == ended.amount
    assert await destroy(bureau, retained) == 0


async def test_papers_that_prove_nothing_go_after_half_a_year(bureau: Bureau, person: Any) -> None:
    papers = [await bureau.paper(kind, person) for kind in ("admission_letter", "fee_notice")]
    await bureau.paper("kinship_proof", person)
    await bureau.pay(person, "20.00 USD", purpose="study", papers=papers)
    retained = crossborder.UnusedPapers(bureau.town.vault)
    assert await destroy(bureau, retained) == 0
    bureau.clock.advance(timedelta(days=190))
    assert await destroy(bureau, retained) == 1
    async with bureau.town.database.reading() as uow:
        left = await uow.execute("SELECT id FROM payments.crossborder_papers ORDER BY id")
    assert [row.id for row in left] == sorted(papers)
