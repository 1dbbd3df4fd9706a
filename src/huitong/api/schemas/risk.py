"""Rules of risk and lists as they travel."""

import json
import re
import uuid
from datetime import date
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Any, ClassVar, Final, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, ConfigDict, Field

from huitong import customers, ledger, risk
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import (
    MOBILE_PATTERN,
    Body,
    BodyInstant,
    GivenDay,
    Instant,
    View,
    check_printable,
    example_id,
    id_pattern,
)
from huitong.kernel import ids, limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import read_id, show_id
from huitong.privacy import Vault
from huitong.risk import EntityKind

PurposeName = Literal["payment", "log_in", "onboarding", "loan"]
ListName = Literal["allow", "block", "watch"]
KindName = Literal["customer", "account", "device", "address", "merchant", "mobile", "pair"]
PurposeQuery = Annotated[PurposeName, Query(description="What the rules decide about.")]
ListQuery = Annotated[ListName, Query(alias="list", description="Which list.")]
VersionPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.RULE_VERSION),
        description="The version's id.",
        examples=[example_id(ids.RULE_VERSION)],
    ),
]
_ID_PREFIXES: Final = {
    EntityKind.CUSTOMER: ids.CUSTOMER,
    EntityKind.DEVICE: ids.DEVICE,
    EntityKind.MERCHANT: ids.MERCHANT,
}
_VersionId = Annotated[
    str, Field(pattern=id_pattern(ids.RULE_VERSION), examples=[example_id(ids.RULE_VERSION)])
]
_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["9f86d081884c7d65" * 4])]
_Text = Annotated[
    str,
    Field(min_length=1, max_length=limits.RULE_REASON_LENGTH_MAX),
    AfterValidator(check_printable),
]
_RULE: Final[dict[str, Any]] = {
    "key": "new_payee_and_large",
    "predicate": "is_new_payee and amount > 500000",
    "action": "step_up",
    "weight": 30,
    "reason_zh": "首次向该收款人大额付款，请再次验证身份。",
    "reason_en": "This is a large payment to somebody new, so please confirm that it is you.",
    "source": "case review 2026-11",
}


class RuleBody(Body):
    """One rule: where the predicate is true, the action is asked for."""

    key: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")
    predicate: str = Field(
        min_length=1,
        max_length=limits.RULE_PREDICATE_LENGTH_MAX,
        description="SQL over the features of the purpose.",
    )
    action: Literal["step_up", "review", "delay", "block"]
    weight: int = Field(ge=0, le=limits.RULE_WEIGHT_MAX)
    reason_zh: _Text = Field(description="For the customer.")
    reason_en: _Text
    source: _Text = Field(description="Where the rule comes from.")


class SaveRules(Body):
    """The next version of the rules of a purpose."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"purpose": "payment", "rules": [_RULE]}]}
    )

    purpose: PurposeName
    rules: list[RuleBody] = Field(min_length=1, max_length=limits.RULES_IN_SET_MAX)


class SetLive(Body):
    """From which business day a version decides."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "digest": "9f86d081884c7d65" * 4,
                    "effective_from": "2026-12-01",
                    "reason": "back-test of November was read",
                }
            ]
        }
    )

    digest: _Digest = Field(description="The digest of the version that was read.")
    effective_from: GivenDay
    reason: Why


class Retire(Body):
    """Why a version is retired."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"reason": "too many false alarms"}]}
    )

    reason: Why


class RuleVersionView(View):
    """A version of the rules of a purpose."""

    id: _VersionId
    purpose: PurposeName
    number: int
    state: Literal["draft", "shadow", "live", "retired"]
    digest: _Digest
    rules: list[dict[str, Any]]
    is_tested: bool
    effective_from: date | None
    effective_to: date | None
    created_by: str
    created_at: Instant


class BacktestView(View):
    """What a version would have done with stored history. Amounts are minor units."""

    created_by: str
    created_at: Instant
    result: dict[str, Any]


class FeatureView(View):
    """A feature that rules may name."""

    name: str
    type: Literal["integer", "number", "flag", "text"]
    meaning: str


class FeaturesView(View):
    """All features of a purpose."""

    data: list[FeatureView]


class EntityBody(Body):
    """Somebody or something that can be on a list."""

    kind: KindName
    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            description="An id (`cus_…`, `dev_…`, `mer_…`), an account's number (`acct_…`), an IP "
            "address, a mobile number, which is kept as its blind index only, or the accounts of "
            "payer and payee with a colon between them.",
            examples=[example_id(ids.DEVICE)],
        ),
        AfterValidator(check_printable),
    ]


class AddedBody(EntityBody):
    """Who comes onto a list, until when."""

    expires_at: BodyInstant | None = Field(
        default=None, description="When the entry ends by itself; `allow` must have an end."
    )


class ChangeList(Body):
    """Who comes onto a list and who is taken off."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "list": "block",
                    "add": [{"kind": "device", "id": example_id(ids.DEVICE)}],
                    "remove": [],
                    "reason": "case 2026-118",
                }
            ]
        }
    )

    listed: ListName = Field(alias="list", description="Which list.")
    add: list[AddedBody] = Field(default=[], max_length=limits.LIST_CHANGES_MAX)
    remove: list[EntityBody] = Field(default=[], max_length=limits.LIST_CHANGES_MAX)
    reason: Why


class ListEntryView(View):
    """An entry of a list. A mobile number is shown as its blind index."""

    kind: KindName
    id: str
    reason: str
    added_at: Instant
    expires_at: Instant | None


def show_version(version: risk.RuleVersion) -> RuleVersionView:
    """Return a version as a view."""
    return RuleVersionView(
        id=show_id(ids.RULE_VERSION, version.id),
        purpose=version.purpose.value,
        number=version.number,
        state=version.state.value,
        digest=version.digest,
        rules=json.loads(version.rules),
        is_tested=version.backtest_id is not None,
        effective_from=version.effective_from,
        effective_to=version.effective_to,
        created_by=version.created_by,
        created_at=version.created_at,
    )


def read_entity(given: EntityBody, vault: Vault, field: str | None = None) -> risk.Entity:
    """Return the entity that a caller names; raises InvalidField naming `id` in `field`."""
    kind, field = EntityKind(given.kind), "id" if field is None else f"{field}.id"
    if kind in _ID_PREFIXES:
        return risk.Entity.of_id(kind, read_id(_ID_PREFIXES[kind], given.id, field=field))
    if kind is EntityKind.ACCOUNT:
        return risk.Entity.of_account(ledger.read_account(given.id, field=field))
    if kind is EntityKind.PAIR:
        payer, _, payee = given.id.partition(":")
        return risk.Entity.of_pair(
            ledger.read_account(payer, field=field), ledger.read_account(payee, field=field)
        )
    if kind is EntityKind.MOBILE:
        if re.fullmatch(MOBILE_PATTERN, given.id) is None:
            raise InvalidField("must be a mobile number of 11 digits", field=field)
        return risk.Entity.of_mobile(customers.index_mobile(vault, given.id))
    try:
        return risk.Entity.of_address(ip_address(given.id))
    except ValueError as error:
        raise InvalidField("must be an IP address", field=field) from error


def show_entry(entry: risk.ListEntry) -> ListEntryView:
    """Return an entry as a view."""
    return ListEntryView(
        kind=entry.entity.kind.value,
        id=show_entity(entry.entity),
        reason=entry.reason,
        added_at=entry.added_at,
        expires_at=entry.expires_at,
    )


def show_entity(entity: risk.Entity) -> str:
    """Return the public id of an entity: what `read_entity` reads, but for a mobile number."""
    if entity.kind in _ID_PREFIXES:
        return show_id(_ID_PREFIXES[entity.kind], uuid.UUID(bytes=entity.key))
    if entity.kind is EntityKind.ACCOUNT:
        return ledger.show_account(int.from_bytes(entity.key))
    if entity.kind is EntityKind.PAIR:
        ends = entity.key[:8], entity.key[8:]
        return ":".join(ledger.show_account(int.from_bytes(end)) for end in ends)
    if entity.kind is EntityKind.MOBILE:
        return entity.key.hex()
    address = IPv6Address(entity.key)
    return str(address.ipv4_mapped or address)
