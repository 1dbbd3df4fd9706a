"""Applications of people: from evidence to a customer, a refusal, or a person who looks at it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from stdnum.cn import ric

from huitong import customers, ledger
from huitong.customers import (
    ApplicationState,
    CardField,
    CardReading,
    CheckKind,
    CheckVerdict,
    FaceResult,
    Finding,
    FindingCode,
    PictureDeskBusy,
    PictureKind,
    Sex,
)
from huitong.customers.onboarding import sealing, store
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import DataDestroyed

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
REVIEW = "pending_review"


def codes(application: customers.Application) -> list[str]:
    return [remark.code for remark in application.remarks]


def number_of_age(years: int) -> str:
    body = f"110101{2026 - years}0601003"
    return body + ric.calc_check_digit(body + "0")


async def test_sound_evidence_opens_the_customer_at_the_class_that_it_supports(
    office: Any, person_of: Any, bank_cards: Any
) -> None:
    person = person_of(1, bank_cards=bank_cards[:1])
    application = await office.apply(person, requested_class=3)
    async with office.database.unit_of_work() as uow:
        customer = await customers.get_customer(uow, application.id)
        found = await customers.find_customer_by_mobile(uow, office.vault, person.mobile)
        account = await ledger.get_account(uow, customer.account_id)
        topics = [row.topic for row in await uow.execute("SELECT topic FROM kernel.outbox")]
        checks = await uow.fetch_value("SELECT count(*) FROM customers.checks")
    assert application.state is ApplicationState.APPROVED
    assert application.channels == ("bank_621626", "identity", "mobile")
    assert codes(application) == ["class_lowered"]
    assert customer.account_class == 2
    assert found == customer
    assert account.name == "支付账户 Payment account"
    assert checks == 4
    assert topics == [
        "customers.ApplicationSubmitted.v1",
        "customers.CustomerOpened.v1",
        "customers.ApplicationDecided.v1",
    ]


async def test_five_independent_channels_support_class_three(
    office: Any, person_of: Any, bank_cards: Any
) -> None:
    application = await office.apply(person_of(1, bank_cards=bank_cards[:3]), requested_class=3)
    async with office.database.unit_of_work() as uow:
        assert (await customers.get_customer(uow, application.id)).account_class == 3
    # Two cards of one bank are one channel, so four banks of five cards make six.
    other = await office.apply(person_of(2, bank_cards=bank_cards), requested_class=1)
    async with office.database.unit_of_work() as uow:
        assert (await customers.get_customer(uow, other.id)).account_class == 1
    assert len(other.channels) == 6


WRONG_DIGIT = {"id_number": "110105194912310021"}
EXPIRED = {
    "valid_from_on": datetime(2016, 1, 1, tzinfo=UTC).date(),
    "valid_until_on": datetime(2026, 1, 1, tzinfo=UTC).date(),
}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (WRONG_DIGIT, "check_digit_wrong"),
        (EXPIRED, "expired"),
        ({"id_number": "11010119900230001X"}, "birth_date_impossible"),
        ({"id_number": number_of_age(13)}, "guardian_missing"),
        ({"mobile": "12900000001"}, "format_wrong"),
        ({"guardian_id": uuid7()}, "guardian_unknown"),
        ({"bank_cards": ("62",)}, "length_wrong"),
    ],
)
async def test_wrong_items_refuse_and_open_nothing(
    office: Any, person_of: Any, changed: dict[str, Any], code: str
) -> None:
    before = await office.count()
    application = await office.apply(person_of(1, **changed))
    assert application.state is ApplicationState.REFUSED
    assert code in codes(application)
    assert application.decided_at is not None
    assert await office.count() == before


async def test_a_wrong_number_is_told_at_once_may_be_corrected_and_costs_no_question(
    office: Any, person_of: Any, desk_for: Any
) -> None:
    person = person_of(1)
    application_id = await office.draft(person_of(1, **WRONG_DIGIT))
    assert "check_digit_wrong" in codes(await office.read(application_id))
    await office.run_sealed(
        customers.save_person,
        application_id=application_id,
        person=person,
        rulebook=Rulebook.load(),
        now=NOW,
    )
    assert codes(await office.read(application_id)) == []
    await office.submit(application_id)
    await office.check(desk_for(person))
    assert (await office.read(application_id)).state is ApplicationState.APPROVED
    office.registries.asked.clear()
    await office.apply(person_of(2, **WRONG_DIGIT))
    assert office.registries.asked == []


@pytest.mark.parametrize(
    ("age", "guarded", "code"),
    [(17, False, "minor_under_18"), (15, False, "minor_under_16"), (15, True, "minor_under_16")],
)
async def test_minors_wait_for_staff(
    office: Any, person_of: Any, age: int, guarded: bool, code: str
) -> None:
    guardian = await office.apply(person_of(7)) if guarded else None
    day = datetime(2025, 7, 1, tzinfo=UTC).date()
    person = person_of(
        1,
        id_number=number_of_age(age),
        sex=Sex.MALE,
        valid_from_on=day,
        valid_until_on=day.replace(year=2030),
        guardian_id=None if guardian is None else guardian.id,
    )
    application = await office.apply(person)
    assert application.state is ApplicationState.PENDING_REVIEW
    assert code in codes(application)


@pytest.mark.parametrize(
    ("verdicts", "came"),
    [
        ({CheckKind.IDENTITY: CheckVerdict.INCONSISTENT}, ("refused", "registry_inconsistent")),
        ({CheckKind.IDENTITY: CheckVerdict.NOT_FOUND}, ("refused", "registry_not_found")),
        (
            {CheckKind.IDENTITY: CheckVerdict.UNAVAILABLE},
            (REVIEW, "registry_unavailable"),
        ),
        ({CheckKind.LIVENESS: CheckVerdict.INCONSISTENT}, ("refused", "registry_inconsistent")),
        (
            {CheckKind.LIVENESS: CheckVerdict.UNAVAILABLE},
            (REVIEW, "registry_unavailable"),
        ),
        (
            {CheckKind.MOBILE: CheckVerdict.INCONSISTENT},
            (REVIEW, "registry_inconsistent"),
        ),
        ({CheckKind.MOBILE: CheckVerdict.UNAVAILABLE}, ("approved", "registry_unavailable")),
        ({CheckKind.BANK_CARD: CheckVerdict.INCONSISTENT}, ("approved", "registry_inconsistent")),
        (dict.fromkeys(CheckKind, CheckVerdict.UNAVAILABLE), (REVIEW, "no_channel")),
    ],
)
async def test_what_registries_say_is_a_named_finding(
    office: Any, person_of: Any, bank_cards: Any, verdicts: Any, came: tuple[str, str]
) -> None:
    state, code = came
    office.registries.verdicts = verdicts
    application = await office.apply(person_of(1, bank_cards=bank_cards[:1]))
    assert application.state == state
    assert code in codes(application)
    assert (await office.count())["customers.customers"] == (1 if state == "approved" else 0)


def faces(code: FindingCode) -> FaceResult:
    return FaceResult(threshold=0.45, findings=(Finding(code=code, field="selfie"),))


def unreadable(code: FindingCode) -> CardReading:
    return CardReading(side=None, findings=(Finding(code=code, field="id_front"),))


@pytest.mark.parametrize(
    ("desk", "came"),
    [
        ({"reading": unreadable(FindingCode.PICTURE_UNREADABLE)}, (REVIEW, "picture_unreadable")),
        ({"reading": unreadable(FindingCode.PICTURE_DAMAGED)}, (REVIEW, "picture_damaged")),
        ({"changed": {CardField.NAME: "赵四"}}, (REVIEW, "field_differs")),
        ({"changed": {CardField.NUMBER: "11010519491231002X"}}, (REVIEW, "field_differs")),
        ({"fault": PictureDeskBusy("later")}, (REVIEW, "picture_desk_unavailable")),
        ({"faces": faces(FindingCode.FACE_MISMATCH)}, ("refused", "face_mismatch")),
        ({"faces": faces(FindingCode.FACE_NOT_FOUND)}, (REVIEW, "face_not_found")),
    ],
)
async def test_what_pictures_show_is_a_named_finding(
    office: Any, person_of: Any, desk_for: Any, desk: Any, came: tuple[str, str]
) -> None:
    state, code = came
    person = person_of(1)
    application = await office.apply(person, desk_for(person, **desk))
    assert application.state == state
    assert code in codes(application)
    assert (await office.count())["customers.customers"] == 0


async def test_a_registry_that_is_out_is_asked_again_with_the_same_ids(
    office: Any, person_of: Any, desk_for: Any
) -> None:
    person = person_of(1)
    application_id = await office.draft(person)
    await office.submit(application_id)
    office.registries.verdicts = {CheckKind.IDENTITY: CheckVerdict.UNAVAILABLE}
    assert await office.check(desk_for(person)) == 1
    assert (await office.read(application_id)).state is ApplicationState.CHECKING
    # Not before its time.
    assert await office.check(desk_for(person)) == 0
    office.clock.advance(timedelta(seconds=limits.APPLICATION_CHECK_RETRY_SECONDS))
    office.registries.verdicts = {}
    assert await office.check(desk_for(person)) == 1
    assert (await office.read(application_id)).state is ApplicationState.APPROVED
    asked = [each for each in office.registries.asked if each[0] is CheckKind.IDENTITY]
    assert len(asked) == 2
    assert len(set(asked)) == 1


async def test_without_registries_staff_decide_and_need_the_person_to_come(
    office: Any, person_of: Any, desk_for: Any
) -> None:
    person = person_of(1)
    application_id = await office.draft(person, 3)
    await office.submit(application_id)
    await office.check(desk_for(person), has_registries=False)
    decision = {
        "application_id": application_id,
        "reason": "护照与本人核对",
        "rulebook": Rulebook.load(),
        "now": NOW,
    }
    with pytest.raises(customers.EvidenceTooWeak):
        await office.run_sealed(customers.approve_application, is_in_person=False, **decision)
    approved = await office.run_sealed(customers.approve_application, is_in_person=True, **decision)
    again = await office.run_sealed(customers.approve_application, is_in_person=True, **decision)
    assert approved == again
    assert (approved.state, approved.decided_by) == (ApplicationState.APPROVED, "system")
    async with office.database.unit_of_work() as uow:
        assert (await customers.get_customer(uow, application_id)).account_class == 3
    with pytest.raises(customers.ApplicationNotPending):
        await office.run(
            customers.refuse_application, application_id=application_id, reason="x", now=NOW
        )


async def test_staff_refuse_with_a_reason(office: Any, person_of: Any) -> None:
    office.registries.verdicts = {CheckKind.MOBILE: CheckVerdict.NOT_FOUND}
    application = await office.apply(person_of(1))
    with pytest.raises(InvalidField):
        await office.run(
            customers.refuse_application, application_id=application.id, reason=" ", now=NOW
        )
    refused = await office.run(
        customers.refuse_application, application_id=application.id, reason="号码不符", now=NOW
    )
    assert (refused.state, refused.reason) == (ApplicationState.REFUSED, "号码不符")
    assert (await office.count())["customers.customers"] == 0


async def test_two_applications_of_one_person_at_once_make_one_customer(
    office: Any, person_of: Any, desk_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each worker takes one, so that all three are decided at the same time.
    monkeypatch.setattr(limits, "APPLICATION_CHECKS_AT_ONCE_MAX", 1)
    first, second = person_of(1), person_of(1, mobile="13911112222")
    for person in (first, second, first):
        await office.submit(await office.draft(person, 1))
    checks = [office.check(desk_for(first), is_alone=False) for _ in range(4)]
    assert sorted(await asyncio.gather(*checks)) == [0, 1, 1, 1]
    async with office.database.unit_of_work() as uow:
        page = await customers.list_applications(uow)
    states = sorted(application.state for application in page.items)
    assert states == ["approved", "refused", "refused"]
    assert (await office.count())["customers.customers"] == 1
    refused = [each for each in page.items if each.state is ApplicationState.REFUSED]
    assert [codes(each) for each in refused] == [["duplicate_person"]] * 2


async def test_a_number_is_the_same_however_it_is_typed(office: Any, person_of: Any) -> None:
    person = person_of(1)
    first = await office.apply(person, requested_class=1)
    spaced = " ".join(person.id_number)
    second = await office.apply(
        person_of(1, id_number=spaced, mobile="13911112222"), requested_class=1
    )
    assert first.state is ApplicationState.APPROVED
    assert "duplicate_person" in codes(second)
    third = person_of(2)
    typed = person_of(2, id_number=" ".join(third.id_number), mobile=f"+86 {third.mobile}")
    assert (await office.apply(typed)).state is ApplicationState.APPROVED
    async with office.database.unit_of_work() as uow:
        assert await customers.find_customer_by_mobile(uow, office.vault, third.mobile)


async def test_one_mobile_number_for_two_people_refuses_the_second(
    office: Any, person_of: Any
) -> None:
    await office.apply(person_of(1))
    second = await office.apply(person_of(2, mobile="13900000001"))
    assert (second.state, codes(second)) == (
        ApplicationState.REFUSED,
        ["class_lowered", "mobile_taken"],
    )
    assert (await office.count())["customers.customers"] == 1


async def test_the_same_name_and_birth_with_another_number_is_looked_at(
    office: Any, person_of: Any, desk_for: Any
) -> None:
    first = person_of(1)
    await office.apply(first)
    body = first.id_number[:14] + f"{(int(first.id_number[14:17]) + 2) % 1000:03d}"
    twin = person_of(1, id_number=body + ric.calc_check_digit(body + "0"), mobile="13911112222")
    application = await office.apply(twin, desk_for(twin))
    assert application.state is ApplicationState.PENDING_REVIEW
    assert "possible_duplicate" in codes(application)


async def test_each_step_may_be_repeated(office: Any, person_of: Any, desk_for: Any) -> None:
    person = person_of(1)
    application_id = await office.draft(person)
    start: dict[str, Any] = {
        "application_id": application_id,
        "requested_class": 2,
        "consent_reference": "consent-1",
        "now": NOW,
    }
    again = await office.run(customers.start_application, **start)
    assert again.state is ApplicationState.DRAFT
    with pytest.raises(customers.ApplicationExists):
        await office.run(customers.start_application, **(start | {"requested_class": 3}))
    await office.save_picture(application_id, PictureKind.SELFIE)
    submitted = await office.submit(application_id)
    assert await office.submit(application_id) == submitted
    await office.check(desk_for(person))
    approved = await office.submit(application_id)
    assert approved.state is ApplicationState.APPROVED


async def test_what_was_handed_in_does_not_change(office: Any, person_of: Any) -> None:
    application_id = await office.draft(person_of(1))
    await office.submit(application_id)
    with pytest.raises(customers.ApplicationNotDraft):
        await office.save_picture(application_id, PictureKind.SELFIE)
    with pytest.raises(customers.ApplicationNotDraft):
        await office.run_sealed(
            customers.save_person,
            application_id=application_id,
            person=person_of(2),
            rulebook=Rulebook.load(),
            now=NOW,
        )


async def test_an_incomplete_application_is_not_taken(office: Any) -> None:
    application_id = uuid7()
    await office.run(
        customers.start_application,
        application_id=application_id,
        requested_class=1,
        consent_reference="consent-1",
        now=NOW,
    )
    with pytest.raises(customers.ApplicationIncomplete) as refused:
        await office.submit(application_id)
    assert refused.value.context == {"missing": ["person", "id_front", "id_back", "selfie"]}
    with pytest.raises(NotFound):
        await office.submit(uuid7())


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"", "picture_missing"),
        (b"<svg onload=alert(1)>", "picture_type_refused"),
        (b"GIF89a" + b"0" * 100, "picture_type_refused"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * limits.APPLICATION_PICTURE_BYTES_MAX, "picture_too_large"),
    ],
)
async def test_what_is_no_picture_is_not_kept(office: Any, content: bytes, finding: str) -> None:
    application_id = uuid7()
    await office.run(
        customers.start_application,
        application_id=application_id,
        requested_class=1,
        consent_reference="consent-1",
        now=NOW,
    )
    with pytest.raises(InvalidField) as refused:
        await office.save_picture(application_id, PictureKind.SELFIE, content)
    assert refused.value.context == {"finding": finding}
    async with office.database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM customers.picture_parts") == 0


async def test_pictures_are_sealed_in_parts_that_stay_in_their_places(
    office: Any, person_of: Any
) -> None:
    application_id = await office.draft(person_of(1))
    content = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 500
    await office.save_picture(application_id, PictureKind.SELFIE, content)
    async with office.database.unit_of_work() as uow:
        parts = (await store.list_picture_parts(uow, application_id))[PictureKind.SELFIE]
        opened = await sealing.open_picture(
            uow, office.vault, application_id, PictureKind.SELFIE, parts
        )
        assert len(parts) == 3
        assert opened == content
        assert content[:64] not in b"".join(parts)
        with pytest.raises(Exception, match="picture_parts"):
            await sealing.open_picture(
                uow, office.vault, application_id, PictureKind.SELFIE, parts[::-1]
            )


async def test_a_worker_that_ends_between_asking_and_recording_leaves_it_to_the_next(
    office: Any, person_of: Any, desk_for: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = person_of(1)
    application_id = await office.draft(person)
    await office.submit(application_id)
    before = await office.count()

    async def die(*_: object, **__: object) -> None:
        raise RuntimeError("the worker was killed")

    for seam in ("store.insert_identity", "audit.record", "outbox.append", "vault"):
        with monkeypatch.context() as patch:
            if seam == "vault":
                patch.setattr("huitong.customers.commands.checking.record_outcome", die)
            else:
                patch.setattr(f"huitong.customers.commands.deciding.{seam}", die)
            with pytest.raises(RuntimeError):
                await office.check(desk_for(person))
        assert (await office.read(application_id)).state is ApplicationState.CHECKING
        assert await office.count() == before
        assert await office.check(desk_for(person)) == 0
        office.clock.advance(timedelta(seconds=limits.APPLICATION_CHECK_LEASE_SECONDS))
    assert await office.check(desk_for(person)) == 1
    assert (await office.read(application_id)).state is ApplicationState.APPROVED


async def test_data_that_is_destroyed_while_it_is_checked_ends_the_application(
    office: Any, person_of: Any, desk_for: Any
) -> None:
    person = person_of(1)
    application_id = await office.draft(person)
    await office.submit(application_id)
    async with office.database.unit_of_work() as uow:
        await office.vault.destroy(uow, application_id, now=NOW)
    await office.check(desk_for(person))
    ended = await office.read(application_id)
    assert (ended.state, codes(ended)) == (ApplicationState.REFUSED, ["evidence_broken"])
    with pytest.raises(DataDestroyed):
        async with office.database.unit_of_work() as uow:
            await office.vault.seal(uow, application_id, {"a.b.c": "x"})


async def test_evidence_that_was_changed_behind_our_back_is_for_staff(
    office: Any, person_of: Any, desk_for: Any, owner_url: str
) -> None:
    application_id = await office.draft(person_of(1))
    await office.submit(application_id)
    connection = await asyncpg.connect(owner_url)
    await connection.execute(
        "UPDATE customers.picture_parts SET sealed = (SELECT sealed FROM customers.picture_parts "
        "WHERE kind = 'selfie') WHERE kind = 'id_front'"
    )
    await connection.close()
    assert await office.check(desk_for(person_of(1))) == 1
    application = await office.read(application_id)
    assert (application.state, codes(application)) == (
        ApplicationState.PENDING_REVIEW,
        ["evidence_broken"],
    )
    assert office.registries.asked == []


async def test_no_table_holds_personal_data_as_plain_text(
    office: Any,
    person_of: Any,
    bank_cards: Any,
    owner_url: str,
    dump_database: Any,
) -> None:
    person = person_of(1, bank_cards=bank_cards[:2])
    await office.apply(person)
    await office.apply(person_of(2, **WRONG_DIGIT))
    office.registries.verdicts = {CheckKind.MOBILE: CheckVerdict.INCONSISTENT}
    await office.apply(person_of(3))
    dump = await dump_database(owner_url)
    assert "customers.ApplicationDecided.v1" in dump.text
    for seed in (1, 2, 3):
        each = person_of(seed)
        secrets = [each.name, each.mobile, each.id_number, each.address, each.occupation]
        assert dump.find([*secrets, WRONG_DIGIT["id_number"], *bank_cards]) == []


def test_a_person_is_not_shown_by_accident(person_of: Any) -> None:
    person = person_of(1)
    assert person.name not in repr(person)
