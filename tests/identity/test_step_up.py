"""Step-up: which factor an act needs, how fresh, and that a proof serves its own act, once."""

import asyncio
import itertools
import pickle
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong import identity
from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.identity.policies import LOCK_RULES, LockKind, LockRule
from huitong.identity.step_up_rules import find_step_up_rule
from huitong.identity.weak_secrets import check_pin
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import SYSTEM
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import NoRuleInForce, Rulebook
from huitong.kernel.rulebook.loader import load_rules

PIN = "802753"
SHOP, THIEF = "acct_100000000287", "acct_100000000384"


def pay(yuan: int = 10, payee: str = SHOP) -> identity.Act:
    return identity.Act(kind="payments.pay", amount=Money(yuan * 100, "CNY"), payee=payee)


@pytest.fixture
async def session(house: Any) -> identity.Session:
    await house.open_login()
    found: identity.Session = (await house.log_in()).session
    await house.set_pin(found)
    house.advance(minutes=1)
    return found


async def start(house: Any, session: Any, act: Any, factor: identity.Factor) -> Any:
    return await identity.start_step_up(
        house.desk,
        session=session,
        act=act,
        factor=factor,
        client=house.client,
        caller=SYSTEM,
        now=house.now,
    )


async def prove_pin(house: Any, session: Any, step_up_id: Any, pin: str = PIN) -> Any:
    return await identity.prove_step_up_by_pin(
        house.desk, session=session, step_up_id=step_up_id, pin=pin, caller=SYSTEM, now=house.now
    )


async def prove_code(house: Any, session: Any, step_up_id: Any, code: str) -> Any:
    return await identity.prove_step_up_by_code(
        house.desk,
        session=session,
        step_up_id=step_up_id,
        code=code,
        client=house.client,
        caller=SYSTEM,
        now=house.now,
    )


async def use(house: Any, session: Any, act: Any, step_up_id: Any) -> None:
    await house.run(
        lambda uow: identity.use_step_up(
            uow, session=session, act=act, step_up_id=step_up_id, now=house.now
        )
    )


async def proved(house: Any, session: Any, act: Any) -> Any:
    opened = await start(house, session, act, identity.Factor.PIN)
    await prove_pin(house, session, opened.step_up.id)
    return opened.step_up.id


async def test_an_act_goes_through_with_its_proof_once(house: Any, session: Any) -> None:
    with pytest.raises(identity.StepUpRequired) as refused:
        await use(house, session, pay(), None)
    assert refused.value.context["factors"] == ["pin", "passkey"]
    step_up_id = await proved(house, session, pay())
    await use(house, session, pay(), step_up_id)
    with pytest.raises(identity.StepUpRefused):
        await use(house, session, pay(), step_up_id)


async def test_of_two_acts_at_once_with_one_proof_one_goes_through(
    house: Any, session: Any
) -> None:
    step_up_id = await proved(house, session, pay())
    results = await asyncio.gather(
        *(use(house, session, pay(), step_up_id) for _ in range(5)), return_exceptions=True
    )
    assert results.count(None) == 1
    assert sum(isinstance(each, identity.StepUpRefused) for each in results) == 4


@pytest.mark.parametrize(
    "other",
    [
        pay(11),
        pay(10, THIEF),
        identity.Act(kind="payments.pay", amount=Money(1000, "USD"), payee=SHOP),
        identity.Act(kind="payments.pay", amount=Money(1000, "CNY")),
        identity.Act(kind="payments.withdraw", amount=Money(1000, "CNY"), payee=SHOP),
    ],
)
async def test_a_proof_for_one_act_does_not_serve_another(
    house: Any, session: Any, other: identity.Act
) -> None:
    step_up_id = await proved(house, session, pay())
    with pytest.raises(identity.StepUpRefused):
        await use(house, session, other, step_up_id)
    await use(house, session, pay(), step_up_id)


async def test_a_proof_is_of_its_session_alone(house: Any, session: Any) -> None:
    await house.open_login("13800000002")
    other = (await house.log_in("13800000002")).session
    again = (await house.log_in()).session
    step_up_id = await proved(house, session, pay())
    for stranger in (other, again):
        with pytest.raises(identity.StepUpRefused):
            await use(house, stranger, pay(), step_up_id)
        with pytest.raises(identity.StepUpRefused):
            await prove_pin(house, stranger, step_up_id)


async def test_a_proof_grows_old(house: Any, session: Any) -> None:
    step_up_id = await proved(house, session, pay())
    house.advance(minutes=5)
    with pytest.raises(identity.StepUpRefused):
        await use(house, session, pay(), step_up_id)


async def test_an_unproved_step_up_lets_nothing_through(house: Any, session: Any) -> None:
    opened = await start(house, session, pay(), identity.Factor.PIN)
    with pytest.raises(identity.StepUpRefused):
        await use(house, session, pay(), opened.step_up.id)
    house.advance(seconds=limits.STEP_UP_SECONDS)
    with pytest.raises(identity.StepUpRefused):
        await prove_pin(house, session, opened.step_up.id)


async def test_a_rolled_back_act_leaves_its_proof_for_the_next_try(
    house: Any, session: Any
) -> None:
    step_up_id = await proved(house, session, pay())

    async def act_and_fail(uow: Any) -> None:
        await identity.use_step_up(
            uow, session=session, act=pay(), step_up_id=step_up_id, now=house.now
        )
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await house.run(act_and_fail)
    await use(house, session, pay(), step_up_id)


async def test_a_large_amount_needs_more_than_the_pin(house: Any, session: Any) -> None:
    with pytest.raises(InvalidField) as refused:
        await start(house, session, pay(5_000), identity.Factor.PIN)
    assert refused.value.field == "factor"
    opened = await start(house, session, pay(5_000), identity.Factor.ONE_TIME_CODE)
    text = house.gateway.read_last("13800000001")
    assert "支付 5000.00 元" in text
    await prove_code(house, session, opened.step_up.id, house.read_code())
    await use(house, session, pay(5_000), opened.step_up.id)


async def test_a_number_that_strangers_locked_still_steps_up_where_it_is_logged_in(
    house: Any, session: Any
) -> None:
    for _ in range(5):
        with pytest.raises(identity.LogInRefused):
            await house.log_in_by_password("wrong wrong")
    with pytest.raises(identity.TooManyAttempts):
        await house.ask_code()
    opened = await start(house, session, pay(5_000), identity.Factor.ONE_TIME_CODE)
    await prove_code(house, session, opened.step_up.id, house.read_code())
    await use(house, session, pay(5_000), opened.step_up.id)


async def test_a_pin_s_proof_does_not_grow_with_the_amount(house: Any, session: Any) -> None:
    step_up_id = await proved(house, session, pay(4_999))
    with pytest.raises(identity.StepUpRefused):
        await use(house, session, pay(5_000), step_up_id)


async def test_a_passkey_proves_an_act_and_not_a_log_in(
    house: Any, authenticator: SoftwareAuthenticator
) -> None:
    await house.open_login()
    session = (await house.log_in()).session
    with pytest.raises(identity.PasskeyNotFound):
        await start(house, session, pay(), identity.Factor.PASSKEY)
    await house.register_passkey(session, authenticator)
    opened = await start(house, session, pay(), identity.Factor.PASSKEY)
    signed = authenticator.get(opened.options.public_key)
    with pytest.raises(identity.LogInRefused):
        await house.finish_passkey(opened.options, signed)
    await prove_passkey(house, session, opened.step_up.id, signed)
    await use(house, session, pay(), opened.step_up.id)


async def prove_passkey(house: Any, session: Any, step_up_id: Any, credential: Any) -> Any:
    return await identity.prove_step_up_by_passkey(
        house.desk,
        session=session,
        step_up_id=step_up_id,
        credential=credential,
        caller=SYSTEM,
        now=house.now,
    )


async def test_another_person_s_passkey_proves_nothing(
    house: Any, authenticator: SoftwareAuthenticator
) -> None:
    await house.open_login()
    await house.open_login("13800000002")
    mine = (await house.log_in()).session
    theirs = (await house.log_in("13800000002")).session
    await house.register_passkey(mine, authenticator)
    await house.register_passkey(theirs, SoftwareAuthenticator(authenticator.origin))
    opened = await start(house, theirs, pay(), identity.Factor.PASSKEY)
    with pytest.raises(identity.StepUpRefused):
        await prove_passkey(
            house, theirs, opened.step_up.id, authenticator.get(opened.options.public_key)
        )


async def test_a_signature_for_one_act_does_not_prove_another(
    house: Any, authenticator: SoftwareAuthenticator
) -> None:
    await house.open_login()
    session = (await house.log_in()).session
    await house.register_passkey(session, authenticator)
    small = await start(house, session, pay(1), identity.Factor.PASSKEY)
    large = await start(house, session, pay(9_999), identity.Factor.PASSKEY)
    with pytest.raises(identity.StepUpRefused):
        await prove_passkey(
            house, session, large.step_up.id, authenticator.get(small.options.public_key)
        )


async def test_a_code_is_good_for_its_own_step_up(house: Any, session: Any) -> None:
    first = await start(house, session, pay(6_000), identity.Factor.ONE_TIME_CODE)
    code = house.read_code()
    house.advance(minutes=1)
    second = await start(house, session, pay(7_000), identity.Factor.ONE_TIME_CODE)
    with pytest.raises(identity.StepUpRefused):
        await prove_code(house, session, second.step_up.id, code)
    # The newer code made the older one void.
    with pytest.raises(identity.StepUpRefused):
        await prove_code(house, session, first.step_up.id, code)
    await prove_code(house, session, second.step_up.id, house.read_code())


async def test_a_code_to_log_in_with_does_not_delay_one_to_step_up(house: Any) -> None:
    await house.open_login()
    session = (await house.log_in()).session
    opened = await start(house, session, pay(6_000), identity.Factor.ONE_TIME_CODE)
    await prove_code(house, session, opened.step_up.id, house.read_code())
    (row,) = await house.query("SELECT proved_at FROM identity.step_ups")
    assert row.proved_at == house.now


async def test_a_pin_is_guessed_five_times_and_then_waits(house: Any, session: Any) -> None:
    opened = await start(house, session, pay(), identity.Factor.PIN)
    for _ in range(5):
        with pytest.raises(identity.StepUpRefused):
            await prove_pin(house, session, opened.step_up.id, "111999")
    with pytest.raises(identity.TooManyAttempts) as refused:
        await prove_pin(house, session, opened.step_up.id)
    assert refused.value.context == {"retry_after_seconds": 300}
    house.advance(seconds=300)
    fresh = await start(house, session, pay(), identity.Factor.PIN)
    assert await prove_pin(house, session, fresh.step_up.id)


async def test_pins_guessed_at_once_get_no_more_tries(house: Any, session: Any) -> None:
    opened = await start(house, session, pay(), identity.Factor.PIN)
    guesses = [f"1119{number:02d}" for number in range(10, 22)]
    results = await asyncio.gather(
        *(prove_pin(house, session, opened.step_up.id, guess) for guess in guesses),
        return_exceptions=True,
    )
    assert sum(isinstance(each, identity.StepUpRefused) for each in results) == 5
    (row,) = await house.query("SELECT failures FROM identity.lockouts WHERE kind = 'pin'")
    assert row.failures == 5


async def test_a_changed_pin_takes_the_old_one_s_place(house: Any, session: Any) -> None:
    await house.set_pin(session, "517294")
    opened = await start(house, session, pay(), identity.Factor.PIN)
    with pytest.raises(identity.StepUpRefused):
        await prove_pin(house, session, opened.step_up.id)
    assert await prove_pin(house, session, opened.step_up.id, "517294")


async def test_a_pin_needs_another_factor_that_is_fresh(house: Any, session: Any) -> None:
    await proved(house, session, pay())
    house.advance(minutes=10)
    with pytest.raises(identity.StepUpRequired):
        await house.set_pin(session, "517294")


async def test_a_factor_is_made_fresh_without_logging_in_anew(house: Any, session: Any) -> None:
    house.advance(minutes=10)
    act = identity.Act(kind="identity.set_pin")
    with pytest.raises(InvalidField) as refused:
        await start(house, session, act, identity.Factor.PASSWORD)
    assert refused.value.field == "factor"
    opened = await start(house, session, act, identity.Factor.ONE_TIME_CODE)
    await prove_code(house, session, opened.step_up.id, house.read_code())
    await house.set_pin(session, "517294")
    found = await house.run(lambda uow: identity.hold_session(uow, session, now=house.now))
    assert found.factors[identity.Factor.ONE_TIME_CODE] == house.now


async def test_a_pin_s_hash_is_of_no_use_without_the_key(house: Any, session: Any) -> None:
    (row,) = await house.query("SELECT pin_hash FROM identity.logins")
    assert not (await house.desk.hasher.verify(row.pin_hash, PIN)).is_right


async def test_an_ended_session_steps_up_for_nothing(house: Any, session: Any) -> None:
    step_up_id = await proved(house, session, pay())
    await identity.log_out(house.desk, session=session, caller=SYSTEM, now=house.now)
    with pytest.raises(identity.SessionEnded):
        await use(house, session, pay(), step_up_id)
    with pytest.raises(identity.SessionEnded):
        await start(house, session, pay(), identity.Factor.PIN)


async def test_an_act_that_no_rule_names_opens_no_door(house: Any, session: Any) -> None:
    act = identity.Act(kind="payments.everything")
    with pytest.raises(ValueError, match=re.escape("payments.everything")):
        await use(house, session, act, None)
    with pytest.raises(InvalidField):
        await start(house, session, act, identity.Factor.PIN)


async def test_a_step_up_that_nobody_made_is_refused(house: Any, session: Any) -> None:
    with pytest.raises(identity.StepUpRefused):
        await use(house, session, pay(), uuid7())
    with pytest.raises(identity.StepUpRefused):
        await prove_code(house, session, uuid7(), "123456")


def test_a_fresh_factor_is_enough_where_a_rule_is_not_bound(house: Any) -> None:
    session = identity.Session(
        id=uuid7(),
        login_id=uuid7(),
        audience=identity.Audience.CUSTOMER,
        subject_id=uuid7(),
        device_id=uuid7(),
        method=identity.Factor.PASSWORD,
        created_at=house.now,
        expires_at=house.now + timedelta(hours=1),
        idle_seconds=600,
        last_seen_at=house.now,
        factors={identity.Factor.PASSWORD: house.now},
    )
    act = identity.Act(kind="identity.set_pin")
    almost = house.now + timedelta(minutes=10) - timedelta(microseconds=1)
    assert identity.require_step_up(session, act, almost) is None
    rule = identity.require_step_up(session, act, house.now + timedelta(minutes=10))
    assert rule is not None
    assert (rule.act, rule.fresh_minutes) == ("identity.set_pin", 10)


@pytest.mark.parametrize(
    ("amount", "least"),
    [
        (Money(499_999, "CNY"), None),
        (Money(500_000, "CNY"), Money(500_000, "CNY")),
        # What cannot be compared is taken for large.
        (Money(1, "USD"), Money(500_000, "CNY")),
        (None, None),
    ],
)
def test_the_strictest_rule_that_an_amount_reaches_holds(amount: Any, least: Any) -> None:
    rules = identity.list_step_up_rules(Rulebook.load(), date(2026, 11, 26))
    rule = find_step_up_rule(identity.Act(kind="payments.pay", amount=amount), rules)
    assert rule is not None
    assert rule.least == least


def test_the_rulebook_says_what_acts_need_and_since_when() -> None:
    rules = identity.list_step_up_rules(Rulebook.load(), date(2026, 11, 26))
    assert [(rule.act, rule.least) for rule in rules] == [
        ("identity.change_password", None),
        ("identity.log_in", None),
        ("identity.register_passkey", None),
        ("identity.revoke_passkey", None),
        ("identity.set_pin", None),
        ("lending.sign", None),
        ("payments.approve_abroad", None),
        ("payments.approve_file", None),
        ("payments.approve_instruction", None),
        ("payments.exchange", None),
        ("payments.pay", None),
        ("payments.pay", Money(500_000, "CNY")),
        ("payments.pay_abroad", None),
        ("payments.withdraw", None),
    ]
    large = rules[11]
    assert large.factors == (identity.Factor.PASSKEY, identity.Factor.ONE_TIME_CODE)
    assert (large.fresh_minutes, large.is_bound) == (5, True)
    assert identity.list_step_up_rules(Rulebook.load(), date(2015, 1, 1)) == ()


def rulebook_of(tmp_path: Path, *lines: str) -> Rulebook:
    head = """
jurisdiction: CN
topic: identity
sources:
  own: {title: 本行规定 Our own rules, number: null, issuer: bank, effective_from: 2026-01-01}
rules:
"""
    (tmp_path / "cn").mkdir()
    rest = "scope: customer, source: own, confidence: K, enforcement: block"
    text = head + "".join(f"  - {{{line}, {rest}}}\n" for line in lines)
    (tmp_path / "cn" / "identity.yaml").write_text(text, encoding="utf-8")
    return Rulebook("CN", load_rules("CN", tmp_path))


def test_a_rule_changes_on_its_day(tmp_path: Path) -> None:
    book = rulebook_of(
        tmp_path,
        "key: step_up.payments.pay.factors, value: [pin], unit: texts, effective_to: 2026-07-01",
        "key: step_up.payments.pay.factors, value: [passkey], unit: texts, "
        "effective_from: 2026-07-01",
        "key: step_up.payments.pay.fresh, value: 5, unit: minutes",
        "key: step_up.payments.pay.bound, value: true, unit: flag",
    )
    before = identity.list_step_up_rules(book, date(2026, 6, 30))
    after = identity.list_step_up_rules(book, date(2026, 7, 1))
    assert [rule.factors for rule in before] == [(identity.Factor.PIN,)]
    assert [rule.factors for rule in after] == [(identity.Factor.PASSKEY,)]


def test_half_a_rule_opens_no_door(tmp_path: Path) -> None:
    book = rulebook_of(
        tmp_path,
        "key: step_up.payments.pay.factors, value: [pin], unit: texts",
        "key: step_up.payments.pay.fresh, value: 5, unit: minutes",
        "key: step_up.payments.pay.bound, value: true, unit: flag, effective_to: 2026-07-01",
    )
    assert len(identity.list_step_up_rules(book, date(2026, 6, 30))) == 1
    with pytest.raises(NoRuleInForce):
        identity.list_step_up_rules(book, date(2026, 7, 1))


def test_a_factor_that_does_not_exist_opens_no_door(tmp_path: Path) -> None:
    book = rulebook_of(tmp_path, "key: step_up.payments.pay.factors, value: [wish], unit: texts")
    with pytest.raises(ValueError, match="wish"):
        identity.list_step_up_rules(book, date(2026, 6, 30))


texts = st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=6)
acts = st.builds(
    identity.Act,
    kind=texts,
    amount=st.none() | st.builds(Money, st.integers(0, 200), st.sampled_from(["CNY", "USD"])),
    payee=st.none() | texts,
)


@given(one=acts, other=acts)
def test_two_acts_have_one_digest_only_if_they_are_the_same(
    one: identity.Act, other: identity.Act
) -> None:
    assert (one.digest == other.digest) == (one == other)
    assert len(one.digest) == 32


@given(failures=st.integers(0, 10_000))
def test_a_lock_never_shortens_and_never_passes_its_maximum(failures: int) -> None:
    for rule in LOCK_RULES.values():
        now, then = rule.seconds_after(failures), rule.seconds_after(failures + 1)
        assert 0 <= now <= then <= rule.seconds_max
        assert (now == 0) == (failures < rule.free_failures)


def test_a_lock_doubles() -> None:
    rule = LockRule(free_failures=5, first_seconds=30, seconds_max=86_400)
    assert [rule.seconds_after(each) for each in (4, 5, 6, 7, 8, 17, 99)] == [
        0, 30, 60, 120, 240, 86_400, 86_400,
    ]  # fmt: skip
    assert LOCK_RULES[LockKind.PIN].seconds_after(5) == 300


WEAK_PINS = [
    "000000", "123456", "654321", "789012", "210987", "121212", "123123", "123321", "111222",
    "999000", "000001", "138000",
]  # fmt: skip


@pytest.mark.parametrize("pin", [*WEAK_PINS, "", "12345", "1234567", "１２３４５６", "12a456"])
def test_refuses_a_pin_that_is_tried_first(pin: str) -> None:
    with pytest.raises(InvalidField) as refused:
        check_pin(pin, field="pin", known=["13800000001"])
    assert refused.value.field == "pin"


def test_refuses_few_pins_of_the_million() -> None:
    refused = 0
    for digits in itertools.product("0123456789", repeat=6):
        try:
            check_pin("".join(digits), field="pin", known=["13800000001"])
        except InvalidField:
            refused += 1
    # 1,000 of a half that comes twice, 900 more that are mirrored, 90 of pairs, 90 of two blocks,
    # 20 runs, and the two of the number.
    assert refused == 2_102


@pytest.mark.parametrize(
    "refusal",
    [
        identity.LogInRefused(),
        identity.TooManyAttempts(7),
        identity.CodeLimitReached(8),
        identity.StepUpRequired(act="payments.pay", factors=["pin"], fresh_minutes=5),
    ],
)
def test_a_refusal_crosses_from_one_process_to_another(refusal: Any) -> None:
    copied = pickle.loads(pickle.dumps(refusal))
    assert type(copied) is type(refusal)
    assert (copied.detail, copied.context) == (refusal.detail, refusal.context)
