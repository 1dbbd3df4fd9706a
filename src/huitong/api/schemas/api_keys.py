"""API keys as they travel, without their secrets."""

from typing import Annotated, ClassVar

from fastapi import Path
from pydantic import AfterValidator, ConfigDict, Field

from huitong import identity
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    Body,
    Instant,
    View,
    check_printable,
    example_id,
    id_pattern,
)
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

KeyPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.API_KEY),
        description="The key's id.",
        examples=[example_id(ids.API_KEY)],
    ),
]
_Merchant = Annotated[
    str, Field(pattern=id_pattern(ids.MERCHANT), examples=[example_id(ids.MERCHANT)])
]


class IssueKey(Body):
    """What a partner's key may do, and for whom."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "till", "scopes": ["payments:write"], "reason": "contract 2026-17"}
            ]
        }
    )

    name: Annotated[
        str,
        Field(min_length=1, max_length=limits.NAME_LENGTH_MAX, examples=["till"]),
        AfterValidator(check_printable),
    ]
    scopes: list[Annotated[str, Field(pattern="^[a-z_]{1,32}:[a-z_]{1,32}$")]] = Field(
        min_length=1, max_length=limits.API_KEY_SCOPES_MAX, examples=[["payments:write"]]
    )
    merchant: _Merchant | None = Field(
        default=None, description="The only merchant for which it may act."
    )
    reason: Why


class RevokeKey(Body):
    """Why a key is revoked."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "contract ended"}]}
    )

    reason: Why


class KeyView(View):
    """A key without its secret."""

    id: Annotated[str, Field(pattern=id_pattern(ids.API_KEY), examples=[example_id(ids.API_KEY)])]
    name: str
    scopes: list[str]
    merchant: _Merchant | None
    created_at: Instant
    revoked_at: Instant | None


def show_key(key: identity.ApiKey) -> KeyView:
    """Return a key as a view."""
    merchant_id = key.merchant_id
    return KeyView(
        id=show_id(ids.API_KEY, key.id),
        name=key.name,
        scopes=sorted(key.scopes),
        merchant=None if merchant_id is None else show_id(ids.MERCHANT, merchant_id),
        created_at=key.created_at,
        revoked_at=key.revoked_at,
    )
