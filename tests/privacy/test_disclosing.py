"""Staff see masked data; whole data needs role, purpose and reason, and leaves a record."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from huitong.kernel.database.unit_of_work import Caller, Database, find_sql_state
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.privacy import (
    DataDestroyed,
    DataKind,
    NotShownWhole,
    Policy,
    PolicyInvalidError,
    SealedField,
    Shown,
    Vault,
    Viewer,
    ViewerCut,
    check_viewer,
    cut_viewer,
    disclose,
    list_disclosures,
    permit_whole,
)

NOW = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
NAME, MOBILE, NUMBER = (
    "customers.people.name",
    "customers.people.mobile",
    "customers.evidence.id_number",
)
WHOLE = {NAME: "张小三", MOBILE: "13812341234", NUMBER: "11010519491231002X"}
MASKED = {NAME: "张*三", MOBILE: "138****1234", NUMBER: "110***********002X"}
KINDS = {NAME: DataKind.NAME, MOBILE: DataKind.MOBILE, NUMBER: DataKind.ID_NUMBER}
SERVICE = Viewer(actor="staff_li", roles=frozenset({"service"}))


async def seal(database: Database, vault: Vault, subject_id: uuid.UUID) -> dict[str, SealedField]:
    async with database.unit_of_work() as uow:
        sealed = await vault.seal(uow, subject_id, WHOLE)
    return {name: SealedField(kind=KINDS[name], sealed=value) for name, value in sealed.items()}


async def show(
    database: Database,
    vault: Vault,
    subject_id: uuid.UUID,
    fields: dict[str, SealedField],
    *,
    viewer: Viewer = SERVICE,
    purpose: str = "customer_service",
    reason: str | None = "客户来电核对手机号",
    now: datetime = NOW,
) -> Shown:
    async with database.unit_of_work(Caller(actor=viewer.actor, request_id="req_1")) as uow:
        return await disclose(
            uow,
            vault,
            viewer=viewer,
            subject_id=subject_id,
            fields=fields,
            purpose=purpose,
            reason=reason,
            now=now,
        )


async def count(database: Database) -> int:
    async with database.reading() as uow:
        return int(await uow.fetch_value("SELECT count(*) FROM privacy.disclosures"))


async def test_shows_whole_what_role_and_purpose_permit_and_records_it(
    database: Database, vault: Vault
) -> None:
    subject_id = uuid7()
    fields = await seal(database, vault, subject_id)

    shown = await show(database, vault, subject_id, fields)

    assert shown.values == {**WHOLE, NUMBER: MASKED[NUMBER]}
    assert shown.unmasked == {NAME, MOBILE}
    async with database.reading() as uow:
        (recorded,) = await list_disclosures(uow)
        stored = await uow.fetch_value("SELECT CAST(d AS text) FROM privacy.disclosures d")
    assert (recorded.viewer, recorded.role, recorded.subject_id) == (
        "staff_li",
        "service",
        subject_id,
    )
    assert recorded.fields == (MOBILE, NAME)
    assert (recorded.purpose, recorded.reason) == ("customer_service", "客户来电核对手机号")
    assert (recorded.request_id, recorded.disclosed_at) == ("req_1", NOW)
    assert not any(value in stored for value in WHOLE.values())


@pytest.mark.parametrize(
    ("roles", "purpose", "reason"),
    [
        ({"service"}, "customer_service", None),
        ({"service"}, "aml_investigation", "案件 7"),
        ({"product"}, "customer_service", "好奇"),
        (set(), "customer_service", "没有角色"),
        ({"anything"}, "audit_sampling", "x"),
    ],
)
async def test_masks_everything_otherwise_and_records_nothing(
    database: Database, vault: Vault, roles: set[str], purpose: str, reason: str | None
) -> None:
    subject_id = uuid7()
    fields = await seal(database, vault, subject_id)
    viewer = Viewer(actor="staff_li", roles=frozenset(roles))

    shown = await show(
        database, vault, subject_id, fields, viewer=viewer, purpose=purpose, reason=reason
    )

    assert shown.values == MASKED
    assert shown.unmasked == frozenset()
    assert await count(database) == 0


async def test_masked_data_can_be_read_without_writing(database: Database, vault: Vault) -> None:
    subject_id = uuid7()
    fields = await seal(database, vault, subject_id)

    async with database.reading() as uow:
        shown = await disclose(
            uow,
            vault,
            viewer=SERVICE,
            subject_id=subject_id,
            fields=fields,
            purpose="customer_service",
            reason=None,
            now=NOW,
        )

    assert shown.values == MASKED


async def test_one_role_answers_the_one_that_may_see_most(database: Database, vault: Vault) -> None:
    subject_id = uuid7()
    fields = await seal(database, vault, subject_id)
    viewer = Viewer(actor="staff_wang", roles=frozenset({"service", "operations", "auditor"}))

    shown = await show(
        database, vault, subject_id, fields, viewer=viewer, purpose="subject_request"
    )

    assert shown.values == WHOLE
    async with database.reading() as uow:
        (recorded,) = await list_disclosures(uow)
    assert recorded.role == "operations"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": " \n "}, "reason"),
        ({"reason": "a" * 501}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"purpose": "curiosity"}, "purpose"),
        ({"fields": {}}, "fields"),
        ({"viewer": Viewer(actor="", roles=frozenset({"service"}))}, "viewer"),
        ({"viewer": Viewer(actor="a", roles=frozenset(map(str, range(33))))}, "viewer"),
    ],
)
async def test_refuses_by_field_and_records_nothing(
    database: Database, vault: Vault, changes: dict[str, object], field: str
) -> None:
    subject_id = uuid7()
    fields = await seal(database, vault, subject_id)

    with pytest.raises(InvalidField) as refused:
        await show(database, vault, subject_id, **({"fields": fields} | changes))

    assert refused.value.field == field
    assert await count(database) == 0


async def test_shows_nothing_of_somebody_whose_data_was_destroyed(
    database: Database, vault: Vault
) -> None:
    subject_id = uuid7()
    fields = await seal(database, vault, subject_id)
    async with database.unit_of_work() as uow:
        await vault.destroy(uow, subject_id, now=NOW)

    with pytest.raises(DataDestroyed):
        await show(database, vault, subject_id, fields)

    assert await count(database) == 0


async def test_lists_disclosures_by_subject_and_viewer_newest_first(
    database: Database, vault: Vault
) -> None:
    one, other = uuid7(), uuid7()
    of_one, of_other = await seal(database, vault, one), await seal(database, vault, other)
    zhao = Viewer(actor="staff_zhao", roles=frozenset({"service"}))
    await show(database, vault, one, of_one)
    await show(database, vault, other, of_other, viewer=zhao)
    await show(database, vault, one, of_one, viewer=zhao, now=NOW + timedelta(hours=1))

    async with database.reading() as uow:
        every = await list_disclosures(uow)
        of_subject = await list_disclosures(uow, subject_id=one)
        by_viewer = await list_disclosures(uow, viewer="staff_zhao")
        page = await list_disclosures(uow, before_id=every[0].id, limit=1)
        with pytest.raises(InvalidField):
            await list_disclosures(uow, limit=0)

    assert [each.subject_id for each in every] == [one, other, one]
    assert [each.viewer for each in of_subject] == ["staff_zhao", "staff_li"]
    assert by_viewer == every[:2]
    assert page == every[1:2]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM privacy.disclosures",
        "UPDATE privacy.disclosures SET reason = 'another'",
        "TRUNCATE privacy.disclosures",
    ],
)
@pytest.mark.parametrize("asker", [("huitong_app", "42501"), (None, "HT002")])
async def test_nobody_changes_what_was_recorded(
    database: Database,
    vault: Vault,
    owner_url: str,
    statement: str,
    asker: tuple[str | None, str],
) -> None:
    role, state = asker
    subject_id = uuid7()
    await show(database, vault, subject_id, await seal(database, vault, subject_id))

    async with Database(owner_url, role=role) as asking:
        with pytest.raises(DBAPIError) as refused:
            async with asking.unit_of_work() as uow:
                await uow.execute(statement)

    assert find_sql_state(refused.value) == state
    assert await count(database) == 1


def test_nothing_that_is_shown_gets_into_a_log() -> None:
    shown = Shown(values=WHOLE, unmasked=frozenset({NAME}))

    assert not any(value in repr(shown) for value in WHOLE.values())


class TestPolicy:
    def test_every_permit_names_a_purpose_that_there_is(self) -> None:
        policy = Policy.load()

        assert {purpose for _, purpose in policy.permits} == policy.purposes.keys()
        assert all(policy.permits.values())

    @pytest.mark.parametrize(
        "document",
        [
            "",
            "purposes: [",
            "purposes: {a: A}",
            "purposes: {a: A}\npermits: [{role: r, purpose: b, kinds: [name]}]",
            "purposes: {a: A}\npermits: [{role: r, purpose: a, kinds: [face]}]",
            "purposes: {a: A}\npermits: " + 2 * "\n- {role: r, purpose: a, kinds: [name]}",
            "#" * 70_000,
        ],
    )
    def test_refuses_a_file_with_a_mistake(self, document: str) -> None:
        with pytest.raises(PolicyInvalidError):
            Policy.parse(document)


DOCUMENT = "customers.people.details"


async def test_a_member_of_a_sealed_document_is_shown_without_the_others(
    database: Database, vault: Vault
) -> None:
    subject_id = uuid7()
    text = '{"name": "张小三", "address": "北京市东城区青松路1号", "occupation": "教师"}'
    async with database.unit_of_work() as uow:
        sealed = (await vault.seal(uow, subject_id, {DOCUMENT: text}))[DOCUMENT]
    fields = {
        f"{DOCUMENT}.{member}": SealedField(kind=kind, sealed=sealed, within=DOCUMENT)
        for member, kind in (("name", DataKind.NAME), ("address", DataKind.ADDRESS))
    }

    shown = await show(database, vault, subject_id, fields)

    assert shown.values == {f"{DOCUMENT}.name": "张小三", f"{DOCUMENT}.address": "北京市东城区****"}
    assert shown.unmasked == {f"{DOCUMENT}.name"}
    async with database.reading() as uow:
        (recorded,) = await list_disclosures(uow)
    assert recorded.fields == (f"{DOCUMENT}.name",)


PICTURES = {"customers.picture_parts.selfie": DataKind.PICTURE}
REVIEWER = Viewer(actor="staff_zhao", roles=frozenset({"operations"}))


async def permit(
    database: Database,
    *,
    viewer: Viewer = REVIEWER,
    fields: dict[str, DataKind] = PICTURES,
    purpose: str = "identity_check",
    reason: str = "证件照复核",
) -> None:
    async with database.unit_of_work(Caller(actor=viewer.actor)) as uow:
        await permit_whole(
            uow,
            viewer=viewer,
            subject_id=uuid7(),
            fields=fields,
            purpose=purpose,
            reason=reason,
            now=NOW,
        )


async def test_what_cannot_be_masked_is_permitted_whole_and_recorded(database: Database) -> None:
    await permit(database)

    async with database.reading() as uow:
        (recorded,) = await list_disclosures(uow)
    assert (recorded.viewer, recorded.role) == ("staff_zhao", "operations")
    assert recorded.fields == tuple(PICTURES)


@pytest.mark.parametrize(
    "changes",
    [
        {"viewer": SERVICE, "purpose": "customer_service"},
        {"purpose": "payment_repair"},
        # Not all of it: a picture of which a part may be seen is not shown.
        {"fields": {**PICTURES, "customers.people.email": DataKind.EMAIL}},
    ],
)
async def test_what_cannot_be_masked_is_else_not_shown_at_all(
    database: Database, changes: dict[str, object]
) -> None:
    with pytest.raises(NotShownWhole):
        await permit(database, **changes)  # type: ignore[arg-type]
    assert await count(database) == 0


async def test_what_cannot_be_masked_needs_a_reason_and_a_purpose(database: Database) -> None:
    for changes, field in (({"reason": " "}, "reason"), ({"purpose": "gossip"}, "purpose")):
        with pytest.raises(InvalidField) as refused:
            await permit(database, **changes)  # type: ignore[arg-type]
        assert refused.value.field == field
    assert await count(database) == 0


async def test_who_is_cut_is_shown_nothing_masked_or_whole(
    database: Database, vault: Vault
) -> None:
    fields = await seal(database, vault, subject_id := uuid7())
    async with database.unit_of_work() as uow:
        await check_viewer(uow, REVIEWER.actor)
        await cut_viewer(uow, viewer=REVIEWER.actor, now=NOW)
    async with database.reading() as uow:
        with pytest.raises(ViewerCut):
            await check_viewer(uow, REVIEWER.actor)
        await check_viewer(uow, SERVICE.actor)
    with pytest.raises(ViewerCut):
        await permit(database)
    with pytest.raises(ViewerCut):
        await show(database, vault, subject_id, fields, viewer=REVIEWER, reason=None)
    assert await count(database) == 0
