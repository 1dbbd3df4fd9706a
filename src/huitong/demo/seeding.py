"""The demo customers, merchant and code that `make run` opens, so that one can pay at once.

Doing it again changes nothing: customers are found by their mobile number, and the merchant, which
has none, by what was written down the last time.
"""

import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from huitong.demo.cast import HAN_MEIMEI, LI_LEI, TEA_HOUSE, customer_body, merchant_body
from huitong.demo.client import Answer, Client
from huitong.demo.day import StoryBroken, money

#: What the demo's key may do: everything that the story shows, and no more.
SCOPES: Final = (
    "accounts:read",
    "channels:simulate",
    "customers:read",
    "customers:write",
    "ledger:read",
    "merchants:read",
    "merchants:write",
    "payments:read",
    "payments:write",
    "refunds:write",
)
_PEOPLE: Final = (
    ("LI_LEI", LI_LEI, "13800000001"),
    ("HAN_MEIMEI", HAN_MEIMEI, "13800000002"),
)
_OPENING: Final = 100_000
_WAIT_SECONDS_MAX: Final = 20.0
_POLL_SECONDS: Final = 0.2


def is_key_valid(url: str, secret: str, *, context: ssl.SSLContext | None = None) -> bool:
    """Say whether the platform at `url` knows this key."""
    with Client(url, secret, context=context) as client:
        return client.get("/v1/customers", limit=1).is_success


def seed_platform(client: Client, known: Mapping[str, str]) -> dict[str, str]:
    """Make what is missing and return the facts for `demo.env`; `known` are those of last time.

    Raises StoryBroken if the platform does not take them.
    """
    facts: dict[str, str] = {}
    for name, (shown, account_class), mobile in _PEOPLE:
        account = _find_customer(client, mobile)
        if account is None:
            body = customer_body(shown, mobile, account_class)
            account = str(_make(client, "/v1/customers", body)["account"])
        facts |= {name: account, f"{name}_MOBILE": mobile}
    _fund(client, [facts[name] for name, *_ in _PEOPLE])
    return facts | _seed_merchant(client, known)


def _find_customer(client: Client, mobile: str) -> str | None:
    found = _checked("GET /v1/customers", client.get("/v1/customers", mobile=mobile))["data"]
    return str(found[0]["account"]) if found else None


def _seed_merchant(client: Client, known: Mapping[str, str]) -> dict[str, str]:
    names = ("TEA_HOUSE", "TEA_HOUSE_MERCHANT", "TEA_HOUSE_CODE")
    if all(name in known for name in names):
        answer = client.get(f"/v1/merchants/{known['TEA_HOUSE_MERCHANT']}")
        if answer.status != HTTPStatus.NOT_FOUND:
            return {name: known[name] for name in names}
    merchant = _make(client, "/v1/merchants", merchant_body(TEA_HOUSE))
    code = _make(client, f"/v1/merchants/{merchant['id']}/codes", {"kind": "static"})
    values = (merchant["account"], merchant["id"], code["id"])
    return dict(zip(names, values, strict=True))


def _fund(client: Client, accounts: list[str]) -> None:
    """Top up who has nothing yet, and wait for the money if a worker runs."""
    # A second run while the first top-up is under way sends the same key, so money comes once.
    poor = [account for account in accounts if _balance(client, account) == money(0)]
    for account in poor:
        body = {"account": account, "amount": money(_OPENING)}
        _make(client, "/v1/top-ups", body, key=f"demo-seed-{account}")
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        if all(_balance(client, account) != money(0) for account in poor):
            return
        time.sleep(_POLL_SECONDS)


def _balance(client: Client, account: str) -> Any:
    path = f"/v1/accounts/{account}/balance"
    return _checked(f"GET {path}", client.get(path))["balance"]


def _make(client: Client, path: str, body: dict[str, Any], *, key: str = "") -> Any:
    return _checked(f"POST {path}", client.post(path, body, key=key))


def _checked(what: str, answer: Answer) -> Any:
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"{what} was answered with {answer.status}: {said}", retryable=False)
    return answer.body
