"""The OpenAPI 3.1 document: what the framework knows of the routes, and what it cannot know.

Problems are documented by the classes that are raised, so that a code in the document is one that
exists, under the status that it really has.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, operations, payments
from huitong.api import problems
from huitong.api.declarations import list_declarations
from huitong.api.document_file import DocumentFile
from huitong.api.problems import MEDIA_TYPE, status_of
from huitong.api.schemas.approvals import ApprovalView
from huitong.api.scopes import SCOPES
from huitong.kernel import limits
from huitong.kernel.errors import Fault, InvalidField, Refusal
from huitong.kernel.idempotency import IdempotencyKeyReused

Responses = dict[int | str, dict[str, Any]]

#: Every application of a process has the same routes, and so the same document.
_FILE: Final = DocumentFile()

#: What any request may be turned away for.
_TOO_MUCH: Final[tuple[type[Refusal], ...]] = (operations.RateLimited, operations.CallerBlocked)
_ALWAYS: Final[tuple[type[Refusal], ...]] = (
    problems.NotAuthenticated,
    problems.NotAllowed,
    problems.MerchantNotAllowed,
    identity.NotPermitted,
    problems.AntiForgeryHeaderMissing,
    InvalidField,
    *_TOO_MUCH,
)
_STAFF: Final[tuple[type[Refusal], ...]] = (
    problems.NotAuthenticated,
    identity.NotPermitted,
    problems.AntiForgeryHeaderMissing,
    InvalidField,
    *_TOO_MUCH,
)
# Who calls the routes of logging in: a person in a session, or nobody yet.
_SESSION: Final[tuple[type[Refusal], ...]] = (
    identity.SessionEnded,
    identity.StepUpRequired,
    problems.AntiForgeryHeaderMissing,
    InvalidField,
    *_TOO_MUCH,
)
_STRANGER: Final[tuple[type[Refusal], ...]] = (
    identity.LogInRefused,
    identity.LogInBlocked,
    identity.TooManyAttempts,
    problems.AntiForgeryHeaderMissing,
    InvalidField,
    *_TOO_MUCH,
)
# A customer where keys may not be: known by the session as others are by their keys.
_CUSTOMER: Final[tuple[type[Refusal], ...]] = (*_STAFF, identity.StepUpRequired)
_KINDS_BY_CALLER: Final[Mapping[str, tuple[type[Refusal], ...]]] = {
    "key": _ALWAYS,
    "session": _SESSION,
    "stranger": _STRANGER,
    "staff": _STAFF,
    "customer": _CUSTOMER,
}
#: What a member of staff who asks for something may be refused for.
_ASKING: Final[tuple[type[Refusal], ...]] = (
    identity.AmountAboveLimit,
    identity.OwnRecord,
    identity.StaffSessionEnded,
)
_COMMANDS: Final[tuple[type[Refusal], ...]] = (
    problems.MalformedJson,
    problems.RequestTimeout,
    problems.BodyTooLarge,
    problems.UnsupportedMediaType,
)
#: What any payment may be refused for.
PAYING: Final[tuple[type[Refusal], ...]] = (
    payments.AccountClosed,
    payments.AccountFrozen,
    payments.GuardianMustAct,
    payments.MinorLimitExceeded,
    payments.NotTheGuardian,
    payments.AccountNotFound,
    payments.BalanceTooLarge,
    payments.CurrencyNotSupported,
    payments.DayCountExceeded,
    payments.DayLimitExceeded,
    payments.InsufficientFunds,
    payments.SameAccount,
    payments.TotalLimitExceeded,
    payments.YearLimitExceeded,
)
#: What risk may refuse of a payment.
DECIDED: Final[tuple[type[Refusal], ...]] = (payments.PaymentBlocked, payments.PaymentNeedsStepUp)
_MEANINGS: Final[Mapping[int, str]] = {
    400: "The request cannot be understood.",
    401: "No valid API key, or nobody is logged in.",
    403: "The caller may not do this, or not yet.",
    404: "The thing does not exist, or not for this caller.",
    408: "The request took too long to arrive.",
    409: "The request contradicts what is recorded.",
    410: "It was there, and is gone for good.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The request is understood and refused.",
    429: "Too often; wait for the seconds in Retry-After.",
    500: "A mistake of ours; nothing is said about it here.",
    503: "Not now; try again after the seconds in Retry-After.",
}
_ASKED: Final = "A member of staff asked for it; somebody else decides."
_TAGS: Final = (
    ("Logging in", "Codes, passwords and passkeys, and the sessions that they open."),
    ("Being logged in", "Sessions, devices, credentials, and step-up before risky acts."),
    ("Staff", "Members of staff: signing in with two factors, roles, suspension."),
    ("Approvals", "What one member of staff asks for and another one decides."),
    ("People", "What staff see of customers and applicants; every look is recorded."),
    ("Oversight", "What staff oversee: the audit trail, the rulebook, the last hour."),
    ("API keys", "Partners' keys, issued and revoked by two administrators."),
    ("Customers", "People with a payment account."),
    ("Onboarding", "Applications of people: evidence, checks, and the decision."),
    ("Merchants", "Businesses that are paid, and their QR codes."),
    ("Accounts", "Ledger accounts: balances, statements, freezing and closing."),
    ("Payments", "Instant payments, and what became of every payment order."),
    ("Checkouts", "In-app orders that a customer pays later."),
    ("Codes", "QR codes that merchants and customers show."),
    ("Authorisations", "Money reserved now and captured later."),
    ("After the payment", "Refunds and profit sharing."),
    ("Bank channel", "Money in and out, through a simulated bank."),
    ("Ledger", "The journal and the trial balance."),
    ("Transparency log", "Signed checkpoints of the journal, and proofs that anybody can check."),
    ("Privacy", "Consents, people's requests about their data, and who read it."),
    ("Rules of risk", "Versions of rules, their back-tests, and what decides."),
    ("Models of risk", "Models of fraud, their cards, how they do, and which of them decides."),
    ("Decision tables", "Eligibility and prices as rows of conditions, and what they answered."),
    ("Decisions", "What risk decided about payments, why, and from what."),
    ("Cases", "Alerts of risk that belong together, and the work on them."),
    ("Stopped payments", "Payments that risk held or blocked, and what people decide of them."),
    ("Lists", "Who is allowed for a time, blocked or watched."),
    ("Receipts", "Papers of what moved an account's money, and telling whether one is ours."),
    ("Files of payments", "Payrolls and payments to suppliers, submitted and approved by two."),
    ("Corporate accounts", "What businesses pay by several people, pools, and incoming payments."),
    ("Settlement", "Fee plans, terms, settlement sheets and reserves of merchants."),
    ("Stores", "Stores and terminals of merchants, and what was paid at them."),
    ("Disputes", "Disputes of payments and chargebacks, their stages, deadlines and evidence."),
    (
        "Loan applications",
        "Applications for loans: filled in, decided, read, signed; people's decisions, for staff.",
    ),
    (
        "Collections",
        "Late loans: borrowers' promises, requests and complaints; tasks and contacts, for staff.",
    ),
    ("Loans", "Loans with schedules and events, repayments; products and changes, for staff."),
    ("Loan partners", "Who lends with us, and agreements on shares; statements; for staff."),
    ("Loan lines", "Lines of credit, and drawings on them with their cost."),
    ("Loan sales", "Portfolios of loans sold and bought back by two people; for staff."),
    ("Loan portfolio", "All loans as business days closed: risk, losses, vintages; for staff."),
    ("Clearing", "Netting windows, positions and queues between banks, and their caps, for staff."),
    (
        "Reconciliation",
        "Files of channels, what does not agree, its cures, and suspense; for staff.",
    ),
    (
        "Channels",
        "Ways to banks and schemes: terms, health, routing, breaks; where they call back.",
    ),
    ("Payments abroad", "Quotes, exchange, payments abroad and receipts; what waits for a person."),
    ("Foreign exchange", "Rates, positions and exchanges, for staff; covers and margins by two."),
    ("Operations", "Health and metrics of the process; incidents, and what is done about them."),
)
_DESCRIPTION: Final = f"""
Payments on one double-entry ledger.

**Keys.** Send `Authorization: Bearer htk_…`. `huitong keys create` makes a key; each operation
names the scope that it needs. A key that is bound to a merchant acts for that merchant only.

**People** log in under `/v1/identity` and then send `Authorization: Bearer hts_…`. Browsers ask for
a cookie instead (`"delivery": "cookie"`) and add the header `X-Huitong-Anti-Forgery: 1`, which
other sites cannot.

**Staff** sign in under `/v1/staff` and send `Authorization: Bearer hst_…`. What they ask for on
money, limits or rights is answered with 202 and a request, which somebody else decides.

**Doing things once.** Every `POST` takes an `Idempotency-Key` of your own making. The same key with
the same request gets the same answer, byte for byte, for 24 hours; with another request it is
refused (`idempotency_key_reused`). After a 503 or a broken connection, send it again.
Logging in, and looking at people's data, take no key: answers with tokens or such data are not
kept.

**Money** is `{{"amount": "10.50", "currency": "CNY"}}`: a decimal text, never a number.
**Times** are RFC 3339 in UTC, **days** are Asia/Shanghai.

**Lists** come in pages of at most {limits.PAGE_SIZE_MAX}: `{{"data": […], "next_cursor": "…"}}`.
Follow `next_cursor` until it is null.

**Problems** are `application/problem+json` (RFC 9457) with a stable `code`. `field` names what is
wrong, and `errors` each field with a JSON pointer.

**Every answer** has an `X-Request-Id`, yours if you sent one. Name it when you ask about a request.
"""
_PROBLEM_SCHEMA: Final[Mapping[str, Any]] = {
    "title": "Problem",
    "description": "Why the answer is no (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri",
            "description": "`urn:huitong:problem:` and the code.",
        },
        "title": {"type": "string", "description": "What it is, the same for every occurrence."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What it is this time, for a person."},
        "code": {
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
            "description": "For programs; a code never changes its meaning.",
        },
        "field": {"type": "string", "description": "The input at fault: `amount.currency`."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "in", "detail"],
                "properties": {
                    "field": {"type": "string"},
                    "in": {"type": "string", "enum": ["body", "query", "path", "header"]},
                    "detail": {"type": "string"},
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer into the body: `#/amount/currency`.",
                    },
                },
            },
        },
        "context": {"type": "object", "description": "Facts that belong to the code."},
        "request_id": {"type": "string"},
    },
}


def errors(
    *refusals: type[Refusal],
    is_command: bool = False,
    has_idempotency_key: bool = True,
    has_approval: bool = False,
    caller: Literal["key", "session", "stranger", "staff", "customer"] = "key",
    faults: Sequence[type[Fault]] = (),
) -> Responses:
    """Return the documented problems of a route under /v1: `refusals`, and what any may meet."""
    kinds = [*_KINDS_BY_CALLER[caller], *refusals]
    if has_approval:
        kinds += _ASKING
    if is_command:
        kinds += _COMMANDS
        if has_idempotency_key:
            kinds.append(IdempotencyKeyReused)
    by_status: dict[int, dict[str, str]] = {}
    for kind in kinds:
        by_status.setdefault(status_of(kind), {})[kind.code] = kind.title
    by_status[500] = {"internal_error": problems.make_problem(Exception()).title}
    by_status[503] = {
        code: problems.make_problem(_example_fault(code)).title
        for code in ("database_unavailable", "service_unavailable")
    }
    for fault in faults:
        by_status[503][fault.code] = problems.make_problem(fault("")).title
    if is_command and has_idempotency_key:
        by_status[503]["idempotency_race"] = by_status[503]["database_unavailable"]
    responses: Responses = {
        status: _response(status, codes) for status, codes in sorted(by_status.items())
    }
    if has_approval:
        responses[202] = {"model": ApprovalView, "description": _ASKED}
    return responses


def _example_fault(code: str) -> Fault:
    fault = Fault("")
    fault.__dict__["code"] = code
    return fault


def _response(status: int, codes: Mapping[str, str]) -> dict[str, Any]:
    lines = "\n".join(f"- `{code}`: {title}" for code, title in sorted(codes.items()))
    response: dict[str, Any] = {
        "description": f"{_MEANINGS[status]}\n\n{lines}",
        "content": {
            MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {
                    code: {"summary": title, "value": _example(status, code, title)}
                    for code, title in sorted(codes.items())
                },
            }
        },
    }
    if status in (429, 503):
        response["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}
        }
    return response


def _example(status: int, code: str, title: str) -> dict[str, Any]:
    example = problems.Problem(
        status=status,
        code=code,
        title=title,
        detail=title,
        field="amount.currency" if code == InvalidField.code else None,
    )
    return example.to_json("req_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d")


def use_own_document(app: FastAPI, *more: Mapping[str, Any]) -> None:
    """Make `app` serve our document; `more` are further path items, such as the hot path's."""

    def build() -> dict[str, Any]:
        return _build(app, more)

    async def answer(request: Request) -> Response:
        return await _FILE.answer(request, build)

    # The framework's own way to replace the document (its guide "Extending OpenAPI").
    app.openapi = build  # type: ignore[method-assign]
    app.add_route("/openapi.json", answer, include_in_schema=False)


def _build(app: FastAPI, more: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    document = get_openapi(
        title="Huitong 汇通",
        version=version("huitong"),
        openapi_version="3.1.0",
        summary="The platform of an internet-finance department",
        description=_DESCRIPTION.strip(),
        routes=app.routes,
        tags=[{"name": name, "description": description} for name, description in _TAGS],
        servers=[{"url": "/", "description": "This server"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = dict(_PROBLEM_SCHEMA)
    for part in more:
        for path, methods in part["paths"].items():
            document["paths"].setdefault(path, {}).update(methods)
        schemas.update(part["schemas"])
    components["headers"] = {
        "X-Request-Id": {
            "description": "The request's id: yours if you sent a fit one.",
            "schema": {"type": "string", "maxLength": limits.REQUEST_ID_LENGTH_MAX},
        }
    }
    for declaration in list_declarations(app.routes):
        operation = document["paths"].get(declaration.path, {}).get(declaration.method.lower())
        if operation is not None and declaration.security is not None:
            operation["security"] = declaration.security
    for methods in document["paths"].values():
        for operation in methods.values():
            _complete(operation)
    document["paths"] = dict(sorted(document["paths"].items()))
    components["schemas"] = dict(sorted(schemas.items()))
    return document


def _complete(operation: dict[str, Any]) -> None:
    for response in operation["responses"].values():
        headers = response.setdefault("headers", {})
        headers["X-Request-Id"] = {"$ref": "#/components/headers/X-Request-Id"}
    scopes = [scope for each in operation.get("security", ()) for scope in each.get("ApiKey", ())]
    if scopes:
        needs = ", ".join(f"`{scope}` ({SCOPES[scope]})" for scope in scopes)
        operation["description"] = f"{operation.get('description', '')}\n\nScope: {needs}.".strip()
