"""Electronic receipts over a real server: the owner downloads, anybody who holds one verifies."""

import asyncio
import io
import uuid
import zipfile
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.payments.documents.papers import read_pages
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.ids import MERCHANT, read_id


@dataclass
class Shop:
    """A customer who has paid a tea house 12.30 for tea, and somebody else."""

    api: Any
    http: httpx.AsyncClient
    payer: dict[str, Any]
    payee: dict[str, Any]
    headers: dict[str, str]
    stranger: dict[str, str]
    merchant_key: str
    transfer: str
    more: list[str] = field(default_factory=list)

    async def download(
        self, *, account: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        path = f"/v1/accounts/{account or self.payer['account']}/receipts/{self.transfer}"
        return await self.http.get(path, headers=headers or self.headers)

    async def verify(self, number: str, code: str) -> httpx.Response:
        return await self.http.post("/v1/receipts/verify", json={"number": number, "code": code})

    @property
    def shop_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.merchant_key}"}


def read_paper(paper: bytes) -> tuple[str, str, str]:
    """Return the number, the code and the text of a paper."""
    (text,) = read_pages(paper)
    lines = [line.strip() for line in text.splitlines()]
    number = next(line for line in lines if line.startswith("回单编号")).split("no.")[1]
    number = number.split("记账日期")[0].strip()
    code = next(line for line in lines if len(line) == 23 and line.count("-") == 3)
    return number, code, text


@pytest.fixture
async def shop(api: Any, anonymous: httpx.AsyncClient, post: Any, customer_headers: Any) -> Shop:
    async def add(name: str) -> dict[str, Any]:
        body = {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        answer = await post("/v1/customers", body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    payer, stranger = await add("王小芳"), await add("路人")
    opened = await post(
        "/v1/merchants",
        {
            "name": "青云茶馆",
            "name_latin": "TEA HOUSE",
            "city_latin": "SHAOXING",
            "category_code": "5812",
            "fee_rate": "0",
        },
    )
    merchant = opened.json()
    await api.fund(payer["account"], 100_00)
    paid = await post(
        "/v1/payments",
        {
            "payer": payer["account"],
            "payee": merchant["account"],
            "amount": {"amount": "12.30", "currency": "CNY"},
            "description": "龙井茶",
        },
    )
    assert paid.status_code == 201, paid.text
    key = await api.make_key(
        "receipts:read", merchant_id=read_id(MERCHANT, merchant["id"], field="id")
    )
    return Shop(
        api,
        anonymous,
        payer,
        merchant,
        await customer_headers(payer["id"]),
        await customer_headers(stranger["id"]),
        key,
        f"tr_{paid.json()['id'].removeprefix('pay_')}",
    )


async def test_the_payer_downloads_a_receipt_with_her_name_whole(shop: Shop) -> None:
    answer = await shop.download()
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    number, _, text = read_paper(answer.content)
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="receipt-{number.replace(" ", "")}.pdf"'
    )
    for part in ("王小芳", "青云茶馆", "¥12.30", "人民币壹拾贰元叁角", "龙井茶", "付款回单"):
        assert part in text, part
    assert shop.payer["account"].removeprefix("acct_") not in text


async def test_the_shop_downloads_its_own_and_sees_the_payer_masked(shop: Shop) -> None:
    answer = await shop.download(account=shop.payee["account"], headers=shop.shop_headers)
    assert answer.status_code == 200, answer.text
    number, _, text = read_paper(answer.content)
    assert "王*芳" in text
    assert "王小芳" not in text
    assert "收款回单" in text
    assert number != read_paper((await shop.download()).content)[0]


async def test_a_receipt_is_the_same_bytes_whenever_it_is_made(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.download() for _ in range(4)))
    assert [each.status_code for each in answers] == [200] * 4
    assert len({each.content for each in answers}) == 1
    count = await shop.api.run(
        lambda uow: uow.fetch_value(
            "SELECT count(*) FROM payments.receipts WHERE transfer_id = CAST(:id AS uuid)",
            id=shop.transfer.removeprefix("tr_"),
        )
    )
    assert count == 1


async def test_somebody_else_learns_nothing(shop: Shop) -> None:
    for account, headers in (
        (shop.payer["account"], shop.stranger),
        (shop.payer["account"], shop.shop_headers),
        (shop.payee["account"], shop.headers),
    ):
        answer = await shop.download(account=account, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    missing = await shop.http.get(
        f"/v1/accounts/{shop.payer['account']}/receipts/tr_{uuid.uuid4().hex}",
        headers=shop.headers,
    )
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_who_holds_a_paper_is_told_what_it_says_masked(shop: Shop) -> None:
    number, code, _ = read_paper((await shop.download()).content)
    answer = await shop.verify(number, code.lower().replace("-", " "))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["payer"]["name"], told["payee"]["name"]) == ("王*芳", "青云茶馆")
    assert told["amount"] == {"amount": "12.30", "currency": "CNY"}
    assert told["capitals"] == "人民币壹拾贰元叁角"
    assert told["transfer"] == shop.transfer
    assert "王小芳" not in answer.text
    assert "龙井茶" not in answer.text
    assert shop.payer["account"].removeprefix("acct_") not in answer.text


async def test_a_wrong_code_and_a_wrong_number_get_the_same_answer(shop: Shop) -> None:
    number, code, _ = read_paper((await shop.download()).content)
    other = ("1" if code[0] != "1" else "2") + code[1:]
    wrong_code = await shop.verify(number, other)
    wrong_number = await shop.verify("2026112600000000000000", code)
    assert wrong_code.status_code == wrong_number.status_code == 404
    assert wrong_code.json()["code"] == wrong_number.json()["code"] == "receipt_not_found"
    assert wrong_code.json()["detail"] == wrong_number.json()["detail"]
    malformed = await shop.verify("12", code)
    assert malformed.status_code == 422


async def test_a_business_downloads_a_day_as_a_zip(shop: Shop) -> None:
    path = f"/v1/accounts/{shop.payee['account']}/receipts"
    today = business_day(SystemClock().now()).isoformat()
    first = await shop.http.get(path, params={"on": today}, headers=shop.shop_headers)
    assert first.status_code == 200, first.text
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        names = archive.namelist()
        single = await shop.download(account=shop.payee["account"], headers=shop.shop_headers)
        number = read_paper(single.content)[0].replace(" ", "")
        assert names == [f"{number}.pdf"]
        assert archive.read(names[0]) == single.content
    again = await shop.http.get(path, params={"on": today}, headers=shop.shop_headers)
    assert again.content == first.content
    for wrong in ({"on": today, "part": 2}, {"on": "2020-01-01"}):
        answer = await shop.http.get(path, params=wrong, headers=shop.shop_headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "no_receipts_left")


async def test_the_command_line_finds_a_changed_paper(
    shop: Shop, settings_for: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = (await shop.download()).content
    monkeypatch.setenv("HUITONG_HOME", str(settings_for(shop.api.owner_url).home))
    genuine, forged = tmp_path / "genuine.pdf", tmp_path / "forged.pdf"
    genuine.write_bytes(paper)
    forged.write_bytes(paper.replace(b"/Count 1", b"/Count 2", 1))
    runner = CliRunner()
    passed = await asyncio.to_thread(runner.invoke, app, ["receipts", "verify", str(genuine)])
    assert passed.exit_code == 0, passed.output
    assert "核验通过" in passed.output
    failed = await asyncio.to_thread(
        runner.invoke, app, ["receipts", "verify", "--json", str(forged)]
    )
    assert failed.exit_code == 1
    assert "paper_changed" in failed.output


async def test_a_receipt_of_somebody_whose_data_is_destroyed_is_gone(
    shop: Shop, vault: Any
) -> None:
    number, code, _ = read_paper((await shop.download()).content)
    customer_id = read_id("cus", shop.payer["id"], field="id")
    await shop.api.run(lambda uow: vault.destroy(uow, customer_id, now=SystemClock().now()))
    answer = await shop.verify(number, code)
    assert (answer.status_code, answer.json()["code"]) == (404, "receipt_not_found")
