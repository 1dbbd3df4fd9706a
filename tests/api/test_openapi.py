"""The OpenAPI document is valid, complete, and says what the server does."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from jsonschema_rs import validator_for
from starlette.requests import Request

from huitong.api.document_file import DocumentFile
from huitong.api.scopes import SCOPES

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
async def document(anonymous: httpx.AsyncClient) -> dict[str, Any]:
    response = await anonymous.get("/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def list_operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    ]


def list_references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [each for item in node.values() for each in list_references(item)]
    if isinstance(node, list):
        return [each for item in node for each in list_references(item)]
    return []


async def test_is_one_file_plain_or_compressed(
    anonymous: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    plain, zipped = [
        await anonymous.get("/openapi.json", headers={"Accept-Encoding": coding})
        for coding in ("identity", "br, GZIP")
    ]
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.json() == zipped.json() == document
    assert plain.headers["etag"] == zipped.headers["etag"]
    assert int(zipped.headers["content-length"]) * 10 < int(plain.headers["content-length"])
    again = await anonymous.get("/openapi.json", headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_is_made_once_however_many_ask_at_once() -> None:
    made: list[int] = []

    def build() -> dict[str, Any]:
        made.append(len(made))
        return {"openapi": "3.1.0"}

    file = DocumentFile()
    request = Request({"type": "http", "headers": []})
    answers = await asyncio.gather(*(file.answer(request, build) for _ in range(8)))
    assert {bytes(answer.body) for answer in answers} == {b'{"openapi":"3.1.0"}'}
    assert made == [0]


def test_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] == "Huitong 汇通"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = list_references(document)
    assert references
    for reference in references:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]


def test_every_schema_is_json_schema_and_every_example_fits_it(document: dict[str, Any]) -> None:
    components = {"components": document["components"]}
    for name, schema in document["components"]["schemas"].items():
        check = validator_for(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, **components}
        )
        for example in schema.get("examples", ()):
            assert check.is_valid(example), (name, example)
        for member, shape in schema.get("properties", {}).items():
            for example in shape.get("examples", ()):
                assert validator_for({**shape, **components}).is_valid(example), (name, member)


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    operations = list_operations(document)
    assert len(operations) >= 35
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document["tags"]}
    for path, method, operation in operations:
        where = f"{method} {path}"
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), where
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        assert set(operation["tags"]) <= tags, where


def test_every_operation_under_v1_names_its_scope_and_its_problems(
    document: dict[str, Any],
) -> None:
    for path, method, operation in list_operations(document):
        if not path.startswith("/v1/"):
            continue
        where = f"{method} {path}"
        if path.startswith("/v1/identity/"):
            is_open = operation["tags"] == ["Logging in"]
            sessions = [] if is_open else [{"Session": []}, {"SessionCookie": []}]
            assert operation.get("security", []) == sessions, where
        else:
            check_security(where, path, operation)
        responses = operation["responses"]
        expected = {"401", "403", "422", "500", "503"}
        if method == "post":
            expected |= {"400", "408", "413", "415"}
        assert expected <= set(responses), where
        for status, response in responses.items():
            if status >= "400":
                content = response["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, where
                assert content["examples"], where
                for code, example in content["examples"].items():
                    assert example["value"]["code"] == code, where
                    assert example["value"]["status"] == int(status), where


#: For whoever holds a paper.
OPEN = ("/v1/receipts/verify",)
#: Where nobody of the staff is known yet.
STAFF_DOORS = ("/v1/staff/enrolments", "/v1/staff/sessions", "/v1/staff/passkey-challenges")
#: Where channels call, who sign what they say.
CALLBACKS = "/v1/channel-callbacks/{channel}"


#: Where only staff ask.
ASKED_BY_STAFF_ONLY = (
    "/v1/staff/",
    "/v1/api-keys",
    "/v1/risk/",
    "/v1/operations/",
    "/v1/channel",
    "/v1/business-users",
    "/v1/clearing/",
    "/v1/corporate-desk/",
    "/v1/reconciliation/",
    "/v1/crossborder-reviews",
    "/v1/fx/",
    "/v1/stopped-payments",
)
#: What only staff ask for among routes that keys may call, too.
ASKED_BY_STAFF = (
    "addFeePlan",
    "decideDispute",
    "listHeldShares",
    "rejectHeldShare",
    "releaseHeldShare",
    "retryPayout",
    "setMerchantReserve",
    "setMerchantTerms",
)


def check_security(where: str, path: str, operation: dict[str, Any]) -> None:
    """A key's scope comes first; doors of the staff are open, everything else of theirs is not."""
    names = [next(iter(each)) for each in operation.get("security", [])]
    if path.startswith(STAFF_DOORS) or path == CALLBACKS or path in OPEN:
        assert names == [], where
    elif path.startswith(ASKED_BY_STAFF_ONLY) or operation["operationId"] in ASKED_BY_STAFF:
        assert names == ["StaffSession", "StaffCookie"], where
    elif path.startswith(("/v1/bulk-files", "/v1/corporate/", "/v1/crossborder/")):
        assert names == ["Session", "SessionCookie"], where
    elif path.startswith("/v1/loan"):
        # Borrowers see and repay, staff see and change; keys do nothing.
        people = [["StaffSession", "StaffCookie"], ["Session", "SessionCookie"]]
        assert names in (*people, people[0] + people[1]), where
    else:
        (scope,) = operation["security"][0]["ApiKey"]
        assert scope in SCOPES, where
        assert names[1:] in (
            [],
            ["StaffSession", "StaffCookie"],
            ["Session", "SessionCookie"],
            ["StaffSession", "StaffCookie", "Session", "SessionCookie"],
            ["StaffSession", "StaffCookie", "SignUp"],
            ["StaffSession", "StaffCookie", "Session", "SessionCookie", "SignUp"],
        ), where


#: What answers with a secret, or is done once by its nature.
DECISIONS = ("/approve", "/reject", "/withdraw", "/suspend")
#: What staff see of people: answers to keys are kept, and personal data is not kept there.
LOOKS = ("/search", "/disclosures", "/pictures")
#: Some change nothing; another's answer is personal data, too.
#: Two change nothing; a callback has an id of its own; another's answer is personal data, too.
WITHOUT_KEY = {
    CALLBACKS,
    "/v1/codes/read",
    "/v1/receipts/verify",
    "/v1/risk/table-versions/{table_version}/try",
    "/v1/staff/sign-out",
    "/v1/privacy/customers/{customer}/requests/{subject_request}/download",
}


def test_every_command_takes_an_idempotency_key(document: dict[str, Any]) -> None:
    for path, method, operation in list_operations(document):
        names = [each["name"] for each in operation.get("parameters", ())]
        # Logging in answers with tokens, which must not be kept to be given again.
        doors = ("/v1/identity/", "/v1/staff/passkeys", *STAFF_DOORS)
        has_none = path in WITHOUT_KEY or path.startswith(doors)
        has_none |= path.startswith("/v1/staff/") and path.endswith((*DECISIONS, *LOOKS))
        wanted = method == "post" and not has_none
        assert ("Idempotency-Key" in names) is wanted, (method, path)


def test_every_body_forbids_what_is_not_documented(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object" and name != "Problem":
            assert schema.get("additionalProperties") is False, name


async def test_every_route_of_the_application_is_documented(
    document: dict[str, Any], api: Any, settings_for: Any
) -> None:
    from huitong.api.app import create_api
    from huitong.wiring.application import Application

    application = Application.assemble(settings_for(api.owner_url))
    routes = {
        (path, method.lower())
        for context in create_api(application).routes
        for path, method in _list_routes(context)
    }
    hidden = {path for path, _ in routes if not path.startswith("/v1/")}
    documented = {(path, method) for path, method, _ in list_operations(document)}
    served = {each for each in routes if each[0].startswith("/v1/")}
    assert served == {each for each in documented if each[0].startswith("/v1/")} - {
        ("/v1/payments", "post")
    }
    assert hidden == {
        "/",
        "/app",
        "/app/{path:path}",
        "/assets/home.css",
        "/assets/huitong.svg",
        "/console",
        "/console/{path:path}",
        "/docs",
        "/docs/reference.css",
        "/docs/reference.js",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui.js",
        "/favicon.ico",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
    }
    await application.stop()


def _list_routes(route: Any) -> list[tuple[str, str]]:
    inner = getattr(route, "original_router", None)
    if inner is not None:
        return [each for one in inner.routes for each in _list_routes(one)]
    return [(route.path, method) for method in route.methods if method != "HEAD"]
