import multiprocessing
import threading
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel import ids
from huitong.kernel.errors import InvalidField

JANUARY_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def test_makes_version_7_of_the_standard_variant() -> None:
    identifier = ids.uuid7()

    assert identifier.version == 7
    assert identifier.variant == uuid.RFC_4122
    assert uuid.UUID(str(identifier)) == identifier
    assert identifier.is_safe is uuid.SafeUUID.unknown


def test_every_identifier_is_greater_than_the_one_before() -> None:
    made = [ids.uuid7() for _ in range(20_000)]

    assert made == sorted(set(made))


@given(st.integers(0, 2**48 - 1))
def test_carries_the_given_time(now_ms: int) -> None:
    identifier = ids.uuid7(now_ms)

    assert identifier.int >> 80 == now_ms
    assert identifier.version == 7
    assert identifier.variant == uuid.RFC_4122


def test_reads_the_time_back() -> None:
    assert ids.uuid7_time(ids.uuid7(JANUARY_MS)) == datetime(2026, 1, 1, tzinfo=UTC)


def test_keeps_order_within_one_given_millisecond() -> None:
    made = [ids.uuid7(JANUARY_MS) for _ in range(5_000)]

    assert made == sorted(set(made))
    assert {identifier.int >> 80 for identifier in made} == {JANUARY_MS}


def test_may_play_an_earlier_day_without_disturbing_the_system_clock() -> None:
    before = ids.uuid7()
    future, past = ids.uuid7(JANUARY_MS * 2), ids.uuid7(JANUARY_MS)
    after = ids.uuid7()

    assert past < future
    assert before < after < future


def test_counts_on_when_the_system_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.uuid7()
    monkeypatch.setattr(ids, "time_ns", lambda: 1_000_000)

    after = ids.uuid7()

    assert after > before
    assert after.int >> 80 == before.int >> 80


def test_many_threads_never_make_the_same_one() -> None:
    made: list[list[uuid.UUID]] = [[] for _ in range(8)]

    def make(into: list[uuid.UUID]) -> None:
        into.extend(ids.uuid7() for _ in range(2_000))

    threads = [threading.Thread(target=make, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({identifier for into in made for identifier in into}) == 16_000
    assert all(into == sorted(into) for into in made)


def _send_identifiers(connection: "multiprocessing.connection.Connection") -> None:
    connection.send([ids.uuid7(JANUARY_MS).int for _ in range(100)])


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_process_does_not_repeat_its_parent() -> None:
    ids.uuid7(JANUARY_MS)
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    child = context.Process(target=_send_identifiers, args=(theirs,))
    child.start()
    of_child = set(mine.recv())
    child.join()

    of_parent = {ids.uuid7(JANUARY_MS).int for _ in range(100)}

    assert len(of_child) == 100
    assert of_child.isdisjoint(of_parent)


@pytest.mark.parametrize("now_ms", [-1, 2**48])
def test_refuses_a_time_beyond_48_bits(now_ms: int) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        ids.uuid7(now_ms)


def test_refuses_the_time_of_another_version() -> None:
    with pytest.raises(ValueError, match="not a UUIDv7"):
        ids.uuid7_time(uuid.uuid4())


@given(st.sampled_from(sorted(ids.PREFIXES)), st.uuids())
def test_what_is_shown_reads_back(prefix: str, identifier: uuid.UUID) -> None:
    assert ids.read_id(prefix, ids.show_id(prefix, identifier), field="id") == identifier


def test_shows_the_prefix_and_lowercase_digits() -> None:
    shown = ids.show_id(ids.PAYMENT, uuid.UUID(int=0xABC))

    assert shown == "pay_00000000000000000000000000000abc"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pay",
        "pay_",
        "pay_0abc",
        "acct_" + "0" * 32,
        "pay_" + "0" * 31,
        "pay_" + "0" * 33,
        "pay_" + "A" * 32,
        "pay_" + "g" * 32,
        "pay_" + "０" * 32,
        "pay_" + "0" * 31 + "\n",
        "pay_" + "0" * 32 + "\n",
        "pay_0x" + "0" * 30,
        "pay_0_" + "0" * 30,
        "0" * 32,
        None,
        7,
        uuid.UUID(int=7),
        "pay_" + "0" * 100_000,
    ],
)
def test_refuses_what_is_not_exactly_an_identifier(text: object) -> None:
    with pytest.raises(InvalidField) as caught:
        ids.read_id(ids.PAYMENT, text, field="payment")

    assert caught.value.field == "payment"
    assert len(caught.value.detail) < 250


def test_no_two_kinds_share_a_prefix() -> None:
    constants = [
        value for name, value in vars(ids).items() if name.isupper() and isinstance(value, str)
    ]

    assert sorted(constants) == sorted(ids.PREFIXES)
