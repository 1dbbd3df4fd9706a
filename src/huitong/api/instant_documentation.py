"""The documentation of `POST /v1/payments`, which the hot path answers in front of the framework.

It must say what `hot_path` does; the tests send both the examples here and what breaks the schema.
"""

from collections.abc import Mapping
from typing import Any, Final

from huitong import identity, payments
from huitong.api.documentation import PAYING, errors
from huitong.api.schemas.stopped_payments import HeldPaymentView
from huitong.kernel import limits

_ACCOUNT: Final = {
    "type": "string",
    "pattern": "^acct_[1-9][0-9]{2,17}$",
    "examples": ["acct_100000000190"],
}
_AMOUNT: Final = {"amount": "25.80", "currency": "CNY"}
_PAYER: Final = "acct_100000000190"
_EXAMPLES: Final = {
    "to_account": {
        "summary": "To an account",
        "value": {
            "payer": _PAYER,
            "payee": "acct_100000000287",
            "amount": _AMOUNT,
            "description": "午饭 AA",
        },
    },
    "to_mobile": {
        "summary": "To a customer's mobile number",
        "value": {"payer": _PAYER, "payee_mobile": "13800000002", "amount": _AMOUNT},
    },
    "by_code": {
        "summary": "By a merchant's static QR code",
        "value": {
            "payer": _PAYER,
            "code": "qr_0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
            "amount": _AMOUNT,
            "reference": "till-7-000123",
        },
    },
}
_SCHEMA: Final[Mapping[str, Any]] = {
    "title": "PayInstantly",
    "type": "object",
    "additionalProperties": False,
    "required": ["payer", "amount"],
    # Exactly one way to say who is paid.
    "oneOf": [{"required": ["payee"]}, {"required": ["payee_mobile"]}, {"required": ["code"]}],
    "properties": {
        "payer": {**_ACCOUNT, "description": "The account that pays."},
        "payee": {**_ACCOUNT, "description": "The account that is paid."},
        "payee_mobile": {
            "type": "string",
            "pattern": "^1[3-9][0-9]{9}$",
            "description": "The mobile number of the customer who is paid.",
        },
        "code": {
            "type": "string",
            "pattern": "^qr_[0-9a-f]{32}$",
            "description": "A merchant's static code.",
        },
        "amount": {"$ref": "#/components/schemas/MoneyBody"},
        "guardian": {
            "type": "string",
            "pattern": "^cus_[0-9a-f]{32}$",
            "description": "The payer's guardian, if it is the guardian of a minor who pays.",
        },
        "reference": {
            "type": "string",
            "minLength": 1,
            "maxLength": limits.REFERENCE_LENGTH_MAX,
            "description": "Yours; unique for each merchant.",
        },
        "description": {
            "type": "string",
            "minLength": 1,
            "maxLength": limits.DESCRIPTION_LENGTH_MAX,
            "description": "For people: it stands on the statement.",
        },
        "step_up": {
            "type": "string",
            "pattern": "^stp_[0-9a-f]{32}$",
            "description": "For customers who pay themselves: what they proved for this payment.",
        },
    },
}


_HELD: Final = (
    "Accepted and held: the money is reserved and nobody has it yet. `held` says why and until "
    "when; the payer may cancel it."
)
_KEY: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "A name of your own for this request, 1 to 64 visible ASCII characters. The "
    "same name and request get the same answer again, and the money moves once.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": limits.IDEMPOTENCY_KEY_LENGTH_MAX,
        "pattern": "^[!-~]+$",
    },
    "example": "7c1f8d7e-till-7-000123",
}


def describe_instant_payment() -> Mapping[str, Any]:
    """Return the path item and the schema of the hot path, for the OpenAPI document."""
    refusals = errors(
        payments.CodeNotFound,
        payments.ReferenceUsed,
        payments.PaymentBlocked,
        payments.PaymentNeedsStepUp,
        identity.StepUpRequired,
        identity.SessionReduced,
        identity.StepUpRefused,
        *PAYING,
        is_command=True,
    )
    content = {"schema": {"$ref": "#/components/schemas/PayInstantly"}, "examples": _EXAMPLES}
    return {
        "schemas": {"PayInstantly": dict(_SCHEMA), **_describe_held_payment()},
        "paths": {
            "/v1/payments": {
                "post": {
                    "tags": ["Payments"],
                    "operationId": "payInstantly",
                    "summary": "Pay at once",
                    "description": "Moves money from one account to another, named by its number, "
                    "a customer's mobile number, or a merchant's static code, and answers when it "
                    "is durable. Caps of the payer's account class and of static codes apply.",
                    "parameters": [dict(_KEY)],
                    "requestBody": {"required": True, "content": {"application/json": content}},
                    "responses": {
                        "201": _describe_answer("PaymentView", "Paid; the order as it now stands."),
                        "202": _describe_answer("HeldPaymentView", _HELD),
                        **{str(status): response for status, response in refusals.items()},
                    },
                    "security": [
                        {"ApiKey": ["payments:write"]},
                        {"Session": []},
                        {"SessionCookie": []},
                    ],
                }
            }
        },
    }


def _describe_answer(view: str, description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{view}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _describe_held_payment() -> dict[str, Any]:
    """Return the schemas of what the framework's routes never answer with."""
    schema = HeldPaymentView.model_json_schema(
        ref_template="#/components/schemas/{model}", mode="serialization"
    )
    parts = schema.pop("$defs")
    return {"HeldPaymentView": schema, **{name: parts[name] for name in ("HeldView", "WhyView")}}
