"""The privacy centre over HTTP: consents, requests, the copy that is given once, who read."""

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import CUSTOMER, SUBJECT_REQUEST, read_id
from huitong.privacy import (
    DataKind,
    SealedField,
    Vault,
    Viewer,
    approve_request,
    disclose,
    fulfil_next,
)
from huitong.wiring.people_data import make_providers

NAME = "club.members.name"
Post = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def vault(api: Any, settings_for: Callable[[str], Any]) -> Vault:
    """A vault with the server's keys."""
    settings = settings_for(api.owner_url)
    return Vault(load_key_ring(settings.home, settings.master_keys))


@pytest.fixture
async def customer(api: Any, post: Post, vault: Vault) -> str:
    """A customer of whom something is sealed."""
    mobile = f"139{uuid.uuid4().int % 10**8:08}"
    opened = await post("/v1/customers", {"name": "张小三", "mobile": mobile, "account_class": 2})
    shown: str = opened.json()["id"]
    customer_id = read_id(CUSTOMER, shown, field="customer")
    await api.run(lambda uow: vault.seal(uow, customer_id, {NAME: "张小三"}))
    return shown


async def work(api: Any, vault: Vault) -> bool:
    async with Database(api.owner_url, role="huitong_app", size=1) as database:
        return await fulfil_next(database, vault, make_providers(), now=datetime.now(UTC))


async def test_texts_are_shown_in_both_languages(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/privacy/consent-texts")

    assert answer.status_code == 200
    texts = {text["purpose"]: text for text in answer.json()["data"]}
    assert texts["face_recognition"]["is_separate"] is True
    assert texts["marketing"]["title"] == {"zh": "接收营销信息", "en": "Offers and news"}


async def test_a_consent_is_given_and_withdrawn(
    client: httpx.AsyncClient, post: Post, customer: str
) -> None:
    path = f"/v1/privacy/customers/{customer}/consents"
    given = {"purpose": "marketing", "version": 1, "channel": "app"}

    async def stand() -> Any:
        answer = await client.get(path)
        return next(each for each in answer.json()["data"] if each["purpose"] == "marketing")

    assert await stand() == {
        "purpose": "marketing",
        "is_given": False,
        "version_given": None,
        "version_in_force": 1,
        "recorded_at": None,
    }
    nothing = await post(f"{path}/withdraw", {"purpose": "marketing", "channel": "app"})
    assert (nothing.status_code, nothing.json()["code"]) == (404, "consent_not_given")
    outdated = await post(path, {**given, "version": 7})
    assert (outdated.status_code, outdated.json()["code"]) == (409, "consent_text_outdated")

    answer = await post(path, given, key="give-once")
    assert answer.status_code == 201
    assert (await post(path, given, key="give-once")).content == answer.content
    assert (await stand())["is_given"] is True
    withdrawn = await post(f"{path}/withdraw", {"purpose": "marketing", "channel": "app"})
    assert (withdrawn.status_code, withdrawn.json()["is_given"]) == (200, False)
    assert (await stand())["is_given"] is False


async def test_a_copy_is_made_fetched_once_and_kept_nowhere(
    api: Any, client: httpx.AsyncClient, post: Post, customer: str, vault: Vault
) -> None:
    path = f"/v1/privacy/customers/{customer}/requests"
    asked = await post(path, {"kind": "copy"})
    assert (asked.status_code, asked.json()["state"]) == (201, "approved")
    again = await post(path, {"kind": "copy"})
    assert (again.status_code, again.json()["code"]) == (409, "subject_request_open")
    download = f"{path}/{asked.json()['id']}/download"
    early = await client.post(download)
    assert (early.status_code, early.json()["code"]) == (409, "export_not_ready")
    assert await work(api, vault)

    fetched = await client.post(download)

    assert fetched.status_code == 200
    content = fetched.json()["content"]
    assert content["format"] == "huitong.subject_export"
    assert content["rooms"]["customers"]["name"] == "张小三"
    gone = await client.post(download)
    assert (gone.status_code, gone.json()["code"]) == (410, "export_gone")
    replies = await api.run(
        lambda uow: uow.fetch_value(
            "SELECT count(*) FROM kernel.replies "
            "WHERE position(CAST('subject_export' AS bytea) IN body) > 0"
        )
    )
    assert replies == 0
    history = await client.get(f"{path}/{asked.json()['id']}/history")
    assert [step["state"] for step in history.json()["data"]] == ["approved", "done"]
    (listed,) = (await client.get(path)).json()["data"]
    assert listed["state"] == "done"


async def test_requests_of_others_do_not_exist(
    client: httpx.AsyncClient, post: Post, customer: str
) -> None:
    asked = await post(f"/v1/privacy/customers/{customer}/requests", {"kind": "delete"})
    other = f"/v1/privacy/customers/cus_{uuid.uuid4().hex}/requests"
    path = f"{other}/{asked.json()['id']}"

    for answer in (
        await client.get(f"{path}/history"),
        await client.post(f"{path}/download"),
        await post(f"{path}/cancel", {}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "subject_request_not_found")
    unknown = await post(other, {"kind": "copy"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "subject_unknown")


async def test_a_request_is_taken_back(post: Post, customer: str) -> None:
    path = f"/v1/privacy/customers/{customer}/requests"
    asked = await post(path, {"kind": "close_account"})

    cancelled = await post(f"{path}/{asked.json()['id']}/cancel", {})
    again = await post(f"{path}/{asked.json()['id']}/cancel", {})

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (again.status_code, again.json()["code"]) == (409, "subject_request_state")


async def test_a_deletion_says_what_the_law_keeps(
    api: Any, client: httpx.AsyncClient, post: Post, customer: str, vault: Vault
) -> None:
    path = f"/v1/privacy/customers/{customer}/requests"
    asked = await post(path, {"kind": "delete"})
    request_id = read_id(SUBJECT_REQUEST, asked.json()["id"], field="request")
    await api.run(
        lambda uow: approve_request(
            uow, make_providers(), request_id=request_id, now=datetime.now(UTC)
        )
    )
    assert await work(api, vault)

    history = await client.get(f"{path}/{asked.json()['id']}/history")

    last = history.json()["data"][-1]
    assert last["state"] == "done"
    (reason,) = last["reasons"]
    assert reason["code"] == "kept_by_law"
    assert reason["words"]["zh"].startswith("法律要求保存这些信息")
    assert reason["source"] == "反洗钱法 Art. 34; 个人信息保护法 Art. 47 para. 2"


async def test_says_who_read_and_not_in_whose_words(
    api: Any, client: httpx.AsyncClient, customer: str, vault: Vault
) -> None:
    customer_id = read_id(CUSTOMER, customer, field="customer")
    for _ in range(2):

        async def read(uow: Any) -> None:
            sealed = await vault.seal(uow, customer_id, {NAME: "张小三"})
            await disclose(
                uow,
                vault,
                viewer=Viewer(actor="staff_li", roles=frozenset({"service"})),
                subject_id=customer_id,
                fields={NAME: SealedField(kind=DataKind.NAME, sealed=sealed[NAME])},
                purpose="customer_service",
                reason="客户王五投诉",
                now=datetime.now(UTC),
            )

        await api.run(read)
    path = f"/v1/privacy/customers/{customer}/disclosures"

    first = await client.get(path, params={"limit": 1})
    cursor = first.json()["next_cursor"]
    second = await client.get(path, params={"limit": 1, "cursor": cursor})

    (shown,) = first.json()["data"]
    assert (shown["role"], shown["purpose"], shown["fields"]) == (
        "service",
        "customer_service",
        [NAME],
    )
    assert len(second.json()["data"]) == 1
    everything = json.dumps([first.json(), second.json()], ensure_ascii=False)
    assert "王五" not in everything
    assert "staff_li" not in everything


@pytest.mark.parametrize(
    ("scope", "method", "tail"),
    [
        ("privacy:write", "GET", "consents"),
        ("privacy:write", "GET", "requests"),
        ("privacy:write", "GET", "disclosures"),
        ("privacy:read", "POST", "consents"),
        ("privacy:read", "POST", "consents/withdraw"),
        ("privacy:read", "POST", "requests"),
        ("privacy:read", "POST", f"requests/srq_{'0' * 32}/download"),
        ("privacy:read", "POST", f"requests/srq_{'0' * 32}/cancel"),
        ("customers:write", "POST", "requests"),
    ],
)
async def test_needs_the_right_scope(
    api: Any, anonymous: httpx.AsyncClient, scope: str, method: str, tail: str
) -> None:
    secret = await api.make_key(scope)
    path = f"/v1/privacy/customers/cus_{uuid.uuid4().hex}/{tail}"

    bare = await anonymous.request(method, path)
    refused = await anonymous.request(
        method,
        path,
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid.uuid4().hex},
        json={"kind": "copy"} if method == "POST" else None,
    )

    assert (bare.status_code, bare.json()["code"]) == (401, "not_authenticated")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
