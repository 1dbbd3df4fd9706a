"""Who may do what: every route, with no key, a wrong one, and a key without its scope."""

import uuid
from typing import Any

import httpx
import pytest

from huitong import identity
from huitong.api.scopes import SCOPES
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import MERCHANT, read_id

UNKNOWN = f"htk_{'x' * 43}"
EXAMPLES = {
    "account": "acct_100000000190",
    "application": "app_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "customer": "cus_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "merchant": "mer_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "payment": "pay_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "code": "qr_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "transfer": "tr_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "subject_request": "srq_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "entry": "je_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "plan": "standard",
    "act": "accept",
    "dispute": "dsp_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "evidence": "evd_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "store": "sto_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "terminal": "trm_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "share": "je_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "sheet": "sht_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
}


async def list_protected(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    """Return method, path with example ids, and scope of every operation under /v1 for keys.

    Those for people are in `test_identity_routes`, and those for staff in `test_permissions`.
    """
    document = (await client.get("/openapi.json")).json()
    return [
        (method, path.format(**EXAMPLES), operation["security"][0]["ApiKey"][0])
        for path, operations in document["paths"].items()
        if path.startswith("/v1/")
        and not path.startswith(
            (
                "/v1/identity/",
                "/v1/staff/",
                "/v1/api-keys",
                "/v1/risk/",
                "/v1/operations/",
                "/v1/bulk-files",
                "/v1/channel",
                "/v1/business-users",
                "/v1/clearing/",
                "/v1/corporate",
                "/v1/receipts/",
                "/v1/reconciliation/",
                "/v1/crossborder/",
                "/v1/crossborder-reviews",
                "/v1/fx/",
                "/v1/stopped-payments",
            )
        )
        for method, operation in operations.items()
        # What merchants' terms are changed by is for staff only.
        if "ApiKey" in operation["security"][0]
    ]


async def ask(client: httpx.AsyncClient, method: str, path: str, secret: str | None) -> Any:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret}"
    content = b"{}" if method == "post" else None
    if content is not None:
        headers["Content-Type"] = "application/json"
    return await client.request(method.upper(), path, headers=headers, content=content)


async def test_every_route_refuses_a_caller_without_a_valid_key(
    api: Any, anonymous: httpx.AsyncClient
) -> None:
    before = await api.count()
    for method, path, _ in await list_protected(anonymous):
        for secret in (None, UNKNOWN, "htk_short", "Ünicode"[1:]):
            response = await ask(anonymous, method, path, secret)
            assert response.status_code == 401, (method, path, secret)
            assert response.json()["code"] == "not_authenticated"
            assert response.headers["www-authenticate"].startswith("Bearer")
    assert await api.count() == before


async def test_every_route_refuses_a_key_without_its_scope_and_takes_one_with_it(
    api: Any, anonymous: httpx.AsyncClient
) -> None:
    keys = {scope: await api.make_key(scope) for scope in SCOPES}
    others = {scope: await api.make_key(*(set(SCOPES) - {scope})) for scope in SCOPES}
    before = await api.count()
    for method, path, scope in await list_protected(anonymous):
        refused = await ask(anonymous, method, path, others[scope])
        assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing"), path
        # The empty body and the unknown ids are then refused, but no longer the caller.
        passed = await ask(anonymous, method, path, keys[scope])
        assert passed.status_code not in (401, 403), (method, path, passed.text)
    after = await api.count()
    assert {**after, "kernel.replies": 0} == {**before, "kernel.replies": 0}


async def test_a_merchants_key_does_nothing_for_others(
    api: Any, anonymous: httpx.AsyncClient
) -> None:
    secret = await api.make_key(merchant_id=uuid.uuid4())
    before = await api.count()
    for method, path, _ in await list_protected(anonymous):
        response = await ask(anonymous, method, path, secret)
        if (method, path) in (
            # Lists need an account, and commands a body, before anybody's things are touched.
            ("get", "/v1/payments"),
            ("post", "/v1/codes/read"),
        ):
            assert response.status_code == 422, path
        elif (method, path) == ("get", "/v1/disputes"):
            # Its own, and it has none.
            assert response.json()["data"] == [], path
        else:
            assert response.status_code in (403, 404, 422), (method, path, response.text)
    after = await api.count()
    assert {**after, "kernel.replies": 0} == {**before, "kernel.replies": 0}


async def make_merchant(post: Any) -> dict[str, Any]:
    body = {
        "name": "三味书屋",
        "name_latin": "SANWEI BOOKS",
        "city_latin": "SHAOXING",
        "category_code": "5942",
        "fee_rate": "0.006",
    }
    response = await post("/v1/merchants", body)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def test_a_merchants_key_acts_for_that_merchant_only(
    api: Any, anonymous: httpx.AsyncClient, post: Any
) -> None:
    own, other = await make_merchant(post), await make_merchant(post)
    secret = await api.make_key(merchant_id=read_id(MERCHANT, own["id"], field="id"))
    amount = {"amount": "10.00", "currency": "CNY"}

    async def create(merchant: dict[str, Any]) -> httpx.Response:
        return await anonymous.post(
            "/v1/checkouts",
            json={"merchant": merchant["id"], "amount": amount},
            headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid.uuid4().hex},
        )

    assert (await create(own)).status_code == 201
    refused = await create(other)
    assert (refused.status_code, refused.json()["code"]) == (403, "merchant_not_allowed")
    theirs = await post("/v1/checkouts", {"merchant": other["id"], "amount": amount})
    assert theirs.status_code == 201, theirs.text
    for path in (
        f"/v1/checkouts/{theirs.json()['id']}",
        f"/v1/payments/{theirs.json()['id']}",
        f"/v1/payments/{theirs.json()['id']}/refunds",
        f"/v1/accounts/{other['account']}",
        f"/v1/accounts/{other['account']}/statement",
        f"/v1/payments?account={other['account']}",
        f"/v1/merchants/{other['id']}",
    ):
        response = await anonymous.get(path, headers={"Authorization": f"Bearer {secret}"})
        assert response.status_code == 404, path
    for path in (f"/v1/accounts/{own['account']}", f"/v1/merchants/{own['id']}"):
        response = await anonymous.get(path, headers={"Authorization": f"Bearer {secret}"})
        assert response.status_code == 200, path


async def test_a_revoked_key_is_forgotten(api: Any, anonymous: httpx.AsyncClient) -> None:
    now = SystemClock().now()
    issued = await api.run(
        lambda uow: identity.issue_api_key(uow, name="gone", scopes=["customers:read"], now=now)
    )
    await api.run(lambda uow: identity.revoke_api_key(uow, issued.key.id, now=now))
    headers = {"Authorization": f"Bearer {issued.secret}"}
    assert (await anonymous.get("/v1/customers", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "form", ["{}", "Basic {}", "Bearer{}", "Bearer  ", "Bearer {} {}", "Token {}"]
)
async def test_only_one_form_of_the_header_is_taken(
    full_key: str, anonymous: httpx.AsyncClient, form: str
) -> None:
    headers = {"Authorization": form.replace("{}", full_key).strip()}
    assert (await anonymous.get("/v1/customers", headers=headers)).status_code == 401


async def test_two_authorisations_are_refused(full_key: str, anonymous: httpx.AsyncClient) -> None:
    headers = [("Authorization", f"Bearer {full_key}"), ("Authorization", f"Bearer {UNKNOWN}")]
    assert (await anonymous.get("/v1/customers", headers=headers)).status_code == 401


async def test_the_caller_is_asked_for_before_the_body_is_read(
    anonymous: httpx.AsyncClient,
) -> None:
    response = await anonymous.post(
        "/v1/customers", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 401
