"""Every route against every kind of caller, compared with the matrix that is printed."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from huitong.api.declarations import (
    API_KEY,
    CUSTOMER,
    NO,
    NOBODY,
    Declaration,
    NotDeclaredError,
    list_declarations,
)
from huitong.api.permissions import list_all, list_callers, render_markdown
from huitong.api.scopes import SCOPES
from huitong.identity import AccessPolicy
from huitong.kernel.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "permissions.md"
HEX = "0199c0a95d0b7c3e8f6f0d6f1a2b3c4d"
PREFIXES = {
    "application": "app",
    "answer": "tba",
    "approval": "apr",
    "backtest": "bkt",
    "case": "cas",
    "channel": "bank",
    "file": "blk",
    "code": "qr",
    "countermeasure": "cms",
    "customer": "cus",
    "decision": "dec",
    "device": "dev",
    "entry": "je",
    "event": "evt",
    "incident": "inc",
    "instruction": "ins",
    "key": "key",
    "merchant": "mer",
    "model": "mdl",
    "paper": "ppr",
    "passkey": "psk",
    "pay_in": "pin",
    "payment": "pay",
    "pool": "pol",
    "quote": "fxq",
    "remittance": "cbp",
    "session": "ses",
    "share": "je",
    "sheet": "sht",
    "staff": "stf",
    "step_up": "stp",
    "subject_request": "srq",
    "table": "loan",
    "table_version": "tbl",
    "transfer": "tr",
    "version": "rul",
    "virtual_account": "vac",
    "window": "clw",
    "loan": "loan",
    "collection_case": "clc",
    "task": "ctk",
    "contact": "clt",
    "hardship": "hds",
    "complaint": "ccp",
    "loan_application": "lap",
    "loan_line": "lln",
    "loan_sale": "lsl",
    "loan_warning": "lwn",
    "break_id": "brk",
    "dispute": "dsp",
    "evidence": "evd",
    "store": "sto",
    "terminal": "trm",
    "item": "sus",
}
#: What is named by a word, not by an id.
WORDS = {
    "purpose": "consumer",
    "plan": "standard",
    "act": "accept",
    "product": "cash",
    "partner": "north",
    "agreement": "joint",
    "job": "job_4711",
    "rule": "risk.payment.delay.hours",
    "path": "bills",
}
#: These end the session that asks, so they are asked last.
LAST = ("/v1/staff/sign-out", "/v1/identity/log-out")


def fill(path: str) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1].split(":")[0]
        if name in WORDS:
            return WORDS[name]
        return "acct_100000000190" if name == "account" else f"{PREFIXES[name]}_{HEX}"

    return re.sub(r"\{([^}]+)\}", value, path.replace("{level}/{tile}", "0/0"))


@pytest.fixture(scope="module")
def settings_for(settings_for: Callable[[str], Settings]) -> Callable[[str], Settings]:
    """Let one caller ask every route within a minute, which is more than a caller may."""
    return lambda url: replace(settings_for(url), is_admission_limited=False)


@pytest.fixture(scope="module")
def declared() -> list[Declaration]:
    return sorted(list_all(), key=lambda each: (each.path in LAST, each.path, each.method))


async def ask(
    client: httpx.AsyncClient, declaration: Declaration, headers: dict[str, str]
) -> httpx.Response:
    content = b"{}" if declaration.method in ("POST", "PUT") else None
    more = {"Idempotency-Key": uuid.uuid4().hex, **headers}
    if content is not None:
        more["Content-Type"] = "application/json"
    path = fill(declaration.path)
    return await client.request(declaration.method, path, headers=more, content=content)


def test_the_page_in_the_repository_is_what_the_routes_and_the_policy_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_markdown(), "huitong permissions --markdown"


def test_a_route_without_a_declaration_is_refused() -> None:
    router = APIRouter()

    @router.get("/v1/secrets")
    async def show_secrets() -> None: ...

    with pytest.raises(NotDeclaredError, match="/v1/secrets declares 0"):
        list_declarations([router])


def test_every_route_declares_one_permission_of_the_policy(declared: list[Declaration]) -> None:
    known = {*AccessPolicy.load().permissions, "public"}
    assert {each.permission for each in declared} <= known
    assert len(declared) >= 75


async def test_the_whole_matrix_holds_without_credentials(
    declared: list[Declaration], anonymous: httpx.AsyncClient
) -> None:
    await walk(declared, anonymous, NOBODY, {})


@pytest.mark.parametrize("role", sorted(AccessPolicy.load().roles))
async def test_the_whole_matrix_holds_for_each_role(
    declared: list[Declaration], anonymous: httpx.AsyncClient, staff: Any, role: str
) -> None:
    await walk(declared, anonymous, role, await staff.headers(role))


async def test_the_whole_matrix_holds_for_a_customer(
    declared: list[Declaration], anonymous: httpx.AsyncClient, customer_headers: Any
) -> None:
    await walk(declared, anonymous, CUSTOMER, await customer_headers())


async def test_the_whole_matrix_holds_for_keys_with_and_without_the_scope(
    declared: list[Declaration], anonymous: httpx.AsyncClient, api: Any
) -> None:
    full = {"Authorization": f"Bearer {await api.make_key(*SCOPES)}"}
    await walk(declared, anonymous, API_KEY, full)
    for scope in SCOPES:
        without = {"Authorization": f"Bearer {await api.make_key(*(set(SCOPES) - {scope}))}"}
        for declaration in declared:
            if declaration.permission == scope:
                answer = await ask(anonymous, declaration, without)
                assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_a_scope_that_keys_once_had_opens_no_staff_route(
    declared: list[Declaration], anonymous: httpx.AsyncClient, api: Any
) -> None:
    secret = await api.make_key(*SCOPES, "keys:write", "staff:write", "approvals:decide")
    await walk(declared, anonymous, API_KEY, {"Authorization": f"Bearer {secret}"})


async def walk(
    declared: list[Declaration], client: httpx.AsyncClient, caller: str, headers: dict[str, str]
) -> None:
    """Ask every route; being refused by rights, and by nothing else, must be what is printed."""
    assert caller in list_callers()
    wrong = []
    for declaration in declared:
        answer = await ask(client, declaration, headers)
        assert answer.status_code < 500, (declaration, answer.text)
        is_json = "json" in answer.headers.get("content-type", "")
        code = answer.json().get("code") if is_json and answer.status_code >= 400 else None
        refused = answer.status_code == 401 or code in (
            "not_permitted",
            "scope_missing",
            "merchant_not_allowed",
        )
        if refused is not (declaration.may(caller) == NO):
            wrong.append((declaration.method, declaration.path, answer.status_code, code))
    assert wrong == []
