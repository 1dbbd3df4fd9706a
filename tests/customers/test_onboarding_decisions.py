"""Applications that risk decides about when they are handed in."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.customers.conftest import NOW, PNG, RULEBOOK, Desk, Office, person_of
from tests.identity.deciding import make_live, rule
from tests.risk.decisioning.rules.conftest import Desk as RiskDesk

from huitong import customers, risk
from huitong.api.schemas.onboarding import show_own_application
from huitong.customers import ApplicationState, PersonDetails
from huitong.customers.commands.submitting import make_features
from huitong.customers.onboarding.documents import list_pictures
from huitong.customers.onboarding.marks import Earlier
from huitong.customers.onboarding.types import do_nothing
from huitong.kernel.ids import uuid7
from huitong.wiring.onboarding_risk import OnboardingRisk

CATALOGUE = risk.default_catalogue(risk.Purpose.ONBOARDING)
HOME, FARM = b"h" * 32, b"f" * 32


async def decider_of(
    office: Office, document: list[dict[str, Any]] | None = None
) -> OnboardingRisk:
    await make_live(office.database, risk.Purpose.ONBOARDING, document, now=NOW)
    rules = risk.RuleCache(
        office.database, {risk.Purpose.ONBOARDING: CATALOGUE}, now=office.clock.now
    )
    await rules.learn_news()
    return OnboardingRisk(risk.Decider(risk.Purpose.ONBOARDING, office.database, rules, RULEBOOK))


async def hand_in(
    office: Office,
    decider: OnboardingRisk | None,
    person: PersonDetails,
    *,
    address: bytes | None = HOME,
    pictures: str | None = None,
    minutes: float = 6,
    on_decision: customers.OnDecision = do_nothing,
) -> customers.Application:
    """Apply with pictures of one's own (or those named), and take some minutes for it."""
    now = office.clock.now()
    application_id = uuid7()
    await office.run(
        customers.start_application,
        application_id=application_id,
        requested_class=1,
        consent_reference="consent-1",
        now=now,
    )
    await office.run_sealed(
        customers.save_person,
        application_id=application_id,
        person=person,
        rulebook=RULEBOOK,
        now=now,
    )
    for kind in list_pictures(person.document):
        content = PNG + kind.value.encode() + (pictures or person.id_number).encode()
        await office.save_picture(application_id, kind, content)
    office.clock.advance(timedelta(minutes=minutes))
    return await office.run(
        customers.submit_application,
        application_id=application_id,
        submission=customers.Submission(
            vault=office.vault,
            rulebook=RULEBOOK,
            decider=decider,
            address_index=address,
            on_decision=on_decision,
        ),
        now=office.clock.now(),
    )


async def decision_of(office: Office, application_id: uuid.UUID) -> risk.Decision:
    return await office.run(risk.get_decision, decision_id=application_id)


async def values_of(office: Office, application_id: uuid.UUID) -> dict[str, risk.Value]:
    return await office.run(risk.name_values, decision=await decision_of(office, application_id))


def codes(application: customers.Application) -> list[str]:
    return [remark.code for remark in application.remarks]


async def test_an_honest_application_is_allowed_recorded_and_approved(office: Office) -> None:
    decider, person = await decider_of(office), person_of(1)
    application = await hand_in(office, decider, person)
    assert (application.state, application.is_held_for_review) == (
        ApplicationState.CHECKING,
        False,
    )
    decision = await decision_of(office, application.id)
    assert (decision.action, decision.hits) == (risk.Action.ALLOW, ())
    assert (await office.run(risk.replay_decision, decision=decision)).is_same
    values = await values_of(office, application.id)
    assert values.keys() == CATALOGUE.keys()
    assert (values["seconds_to_submit"], values["mobile_age_seconds"]) == (360, None)
    assert (values["applications_from_address_1d"], values["hour"]) == (0.0, 12)
    # Numbers only: nothing that says who it is.
    assert not [name for name, value in values.items() if isinstance(value, str)]
    await office.check(Desk(person))
    assert (await office.read(application.id)).state is ApplicationState.APPROVED


async def test_the_same_picture_under_another_name_goes_to_people(office: Office) -> None:
    decider = await decider_of(office)
    await hand_in(office, decider, person_of(1), pictures="bought")
    second = person_of(2)
    application = await hand_in(office, decider, second, address=FARM, pictures="bought")
    assert (await decision_of(office, application.id)).hits == ("same_picture",)
    assert application.is_held_for_review
    while await office.check(Desk(second)):
        office.clock.advance(timedelta(minutes=5))
    checked = await office.read(application.id)
    assert checked.state is ApplicationState.PENDING_REVIEW
    assert "risk_review" in codes(checked)
    approved = await office.run_sealed(
        customers.approve_application,
        application_id=application.id,
        is_in_person=True,
        reason="came to us",
        rulebook=RULEBOOK,
        now=office.clock.now(),
    )
    assert approved.state is ApplicationState.APPROVED


async def test_the_same_person_may_send_the_same_pictures_again(office: Office) -> None:
    decider, person = await decider_of(office), person_of(1)
    await hand_in(office, decider, person)
    again = await hand_in(office, decider, person, address=FARM)
    values = await values_of(office, again.id)
    assert (values["pictures_seen_before"], values["earlier_with_number"]) == (0, 1)
    assert (values["mobile_age_seconds"], values["others_with_mobile"]) == (360, 0)


async def test_many_applications_from_one_address_are_looked_at_and_then_refused(
    office: Office,
) -> None:
    decider = await decider_of(office)
    told: list[customers.Decision] = []

    async def tell(_uow: Any, decision: customers.Decision) -> None:
        told.append(decision)

    actions = []
    for seed in range(1, 23):
        application = await hand_in(
            office, decider, person_of(seed), address=FARM, minutes=1, on_decision=tell
        )
        actions.append((await decision_of(office, application.id)).action)
    assert actions[:2] == [risk.Action.ALLOW] * 2
    assert actions[2:20] == [risk.Action.REVIEW] * 18
    assert actions[-1] is risk.Action.BLOCK
    assert (application.state, application.decided_by) == (ApplicationState.REFUSED, "risk")
    assert codes(application)[-1] == "risk_refused"
    assert application.reason is not None
    assert "请携带证件到网点办理。" in application.reason
    assert "Please come to us with your document." in application.reason
    assert told[-1].state is ApplicationState.REFUSED
    shown = show_own_application(application, None)
    assert (shown.reason, shown.decided_by) == (application.reason, None)
    assert [each.code for each in shown.remarks] == ["risk_refused"]

    honest = await hand_in(office, decider, person_of(40), address=HOME)
    assert (await decision_of(office, honest.id)).action is risk.Action.ALLOW


async def test_what_a_partner_hands_in_counts_for_no_address(office: Office) -> None:
    decider = await decider_of(office)
    for seed in range(1, 6):
        application = await hand_in(office, decider, person_of(seed), address=None)
        assert (await decision_of(office, application.id)).action is risk.Action.ALLOW


async def test_somebody_elses_mobile_is_seen(office: Office) -> None:
    decider = await decider_of(office)
    await hand_in(office, decider, person_of(1))
    other = await hand_in(office, decider, person_of(2, mobile="139 0000 0001"), address=FARM)
    decision = await decision_of(office, other.id)
    assert (decision.action, decision.hits) == (risk.Action.REVIEW, ("mobile_of_others",))


async def test_a_listed_mobile_is_refused_without_a_word_of_the_list(office: Office) -> None:
    decider = await decider_of(office)
    approval_id = await RiskDesk(office.database).approve("risk.change_list")
    async with office.database.unit_of_work() as uow:
        await uow.execute(
            "INSERT INTO risk.list_entries (id, list, kind, key, reason, added_at, added_by) "
            "VALUES (:approval, 'block', 'mobile', :key, 'police', :now, :approval)",
            approval=approval_id,
            key=customers.index_mobile(office.vault, "13900000001"),
            now=NOW,
        )
    application = await hand_in(office, decider, person_of(1))
    assert application.state is ApplicationState.REFUSED
    assert application.reason == (
        "本次操作未能通过风险核查。 This did not pass our checks of risk."
    )


async def test_what_is_filled_in_within_seconds_was_not_typed(office: Office) -> None:
    decider = await decider_of(office)
    application = await hand_in(office, decider, person_of(1), minutes=0.1)
    assert (await decision_of(office, application.id)).hits == ("faster_than_people",)


async def test_what_is_delayed_is_checked_a_day_later(office: Office) -> None:
    decider = await decider_of(office, rule("age >= 0", "delay"))
    person = person_of(1)
    application = await hand_in(office, decider, person)
    assert await office.check(Desk(person)) == 0
    office.clock.advance(timedelta(hours=24))
    assert await office.check(Desk(person)) == 1
    assert (await office.read(application.id)).state is ApplicationState.APPROVED


async def test_handed_in_twice_it_is_decided_once(office: Office) -> None:
    decider = await decider_of(office, rule("age >= 0", "review"))
    application = await hand_in(office, decider, person_of(1))
    again = await office.run(
        customers.submit_application,
        application_id=application.id,
        submission=customers.Submission(
            vault=office.vault, rulebook=RULEBOOK, decider=decider, address_index=FARM
        ),
        now=office.clock.now(),
    )
    assert again == application


async def test_with_risk_switched_off_only_marks_are_kept(office: Office) -> None:
    application = await hand_in(office, None, person_of(1))
    assert application.state is ApplicationState.CHECKING
    async with office.database.unit_of_work() as uow:
        assert await uow.fetch_value("SELECT count(*) FROM risk.decisions") == 0
        assert await uow.fetch_value("SELECT count(*) FROM customers.application_marks") == 1


async def test_a_decision_that_cannot_be_made_waits_for_people(office: Office) -> None:
    unread = risk.RuleCache(office.database, {}, now=office.clock.now)
    decider = OnboardingRisk(
        risk.Decider(risk.Purpose.ONBOARDING, office.database, unread, RULEBOOK)
    )
    application = await hand_in(office, decider, person_of(1))
    assert application.is_held_for_review


@given(st.lists(st.integers(0, 400 * 86_400), max_size=30), st.integers(0, 86_400))
def test_counts_from_an_address_fade_with_their_half_lives(
    ages: Sequence[int], seconds: int
) -> None:
    earlier = Earlier(
        from_address_at=[NOW - timedelta(seconds=each) for each in ages],
        mobile_seen_at=None,
        others_with_mobile=0,
        with_number=0,
        refused_with_number=0,
        with_pictures=0,
    )
    application = customers.Application(
        id=uuid7(),
        state=ApplicationState.DRAFT,
        requested_class=1,
        consent_reference="c",
        document=customers.IdentityDocument.RESIDENT_ID,
        sealed_person=None,
        remarks=(),
        channels=(),
        check_attempts=0,
        is_held_for_review=False,
        decided_by=None,
        reason=None,
        decided_at=None,
        created_at=NOW - timedelta(seconds=seconds),
        updated_at=NOW,
    )
    features = make_features(person_of(1), application, earlier, now=NOW)
    assert features.keys() == CATALOGUE.keys()
    day = sum(2 ** (-each / 86_400) for each in ages)
    month = sum(2 ** (-each / (30 * 86_400)) for each in ages)
    assert features["applications_from_address_1d"] == pytest.approx(day)
    assert features["applications_from_address_30d"] == pytest.approx(month)
    assert day <= month + 1e-9 <= len(ages) + 1e-8
    assert features["seconds_to_submit"] == seconds
