"""One-time codes that a payer shows: their shape, their randomness, and mistypings refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.errors import InvalidField
from huitong.payments import qr
from huitong.payments.qr.calculations import damm_check_digit

NOW = datetime(2025, 6, 12, 4, 30, tzinfo=UTC)
MINUTE = timedelta(seconds=60)
SIXTEEN_BYTES = st.binary(min_size=16, max_size=16)


def code_from(seed: bytes) -> qr.CustomerCode:
    return qr.issue_code(now=NOW, lifetime=MINUTE, random_bytes=lambda size: seed[:size])


def test_check_digit_of_572_is_4() -> None:
    assert damm_check_digit("572") == 4
    assert damm_check_digit("5724") == 0


def test_code_from_known_bytes_is_exactly_known() -> None:
    code = code_from((12_345).to_bytes(16))
    body = "73" + "00000000000012345"
    assert code.text == body + str(damm_check_digit(body))
    assert code.digest == sha256(code.text.encode()).digest()
    assert code.expires_at == datetime(2025, 6, 12, 4, 31, tzinfo=UTC)


@given(SIXTEEN_BYTES)
def test_every_code_is_twenty_digits_and_reads_back_to_its_digest(seed: bytes) -> None:
    code = code_from(seed)
    assert len(code.text) == qr.CUSTOMER_CODE_LENGTH == 20
    assert code.text.isascii()
    assert code.text.isdigit()
    assert code.text.startswith(qr.CUSTOMER_CODE_PREFIX)
    assert qr.read_code(code.text) == code.digest
    assert len(code.digest) == 32


@given(SIXTEEN_BYTES, st.integers(2, 19), st.integers(1, 9))
def test_every_single_wrong_digit_is_refused(seed: bytes, position: int, shift: int) -> None:
    text = code_from(seed).text
    wrong = str((int(text[position]) + shift) % 10)
    with pytest.raises(InvalidField, match="mistyped"):
        qr.read_code(text[:position] + wrong + text[position + 1 :])


@given(SIXTEEN_BYTES)
def test_every_swap_of_two_neighbours_is_refused(seed: bytes) -> None:
    text = code_from(seed).text
    for left in range(19):
        swapped = text[:left] + text[left + 1] + text[left] + text[left + 2 :]
        if swapped != text:
            with pytest.raises(InvalidField):
                qr.read_code(swapped)


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_arbitrary_text_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        qr.read_code(text, field="customer_code")
    assert caught.value.field == "customer_code"
    assert caught.value.detail in {
        "A customer code has 20 digits and begins with 73.",
        "The customer code is mistyped: its check digit differs.",
    }


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text.translate({ord("7"): "７"}),
        lambda text: text.translate({ord("3"): "٣"}),
        lambda text: "28" + text[2:],
    ],
)
def test_code_in_any_disguise_is_refused(disguise: Callable[[str], str]) -> None:
    text = code_from(bytes(16)).text
    assert qr.read_code(text)
    with pytest.raises(InvalidField) as caught:
        qr.read_code(disguise(text))
    assert caught.value.field == "code"


def test_codes_from_the_real_source_do_not_repeat() -> None:
    texts = {qr.issue_code(now=NOW, lifetime=MINUTE).text for _ in range(1_000)}
    assert len(texts) == 1_000


def test_a_code_does_not_show_its_text_in_logs() -> None:
    code = code_from(bytes(range(16)))
    assert code.text not in repr(code)


def test_lifetime_is_the_callers() -> None:
    code = qr.issue_code(now=NOW, lifetime=timedelta(seconds=5))
    assert code.expires_at - NOW == timedelta(seconds=5)


@pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(seconds=-1)])
def test_lifetime_that_is_not_positive_is_a_mistake(lifetime: timedelta) -> None:
    with pytest.raises(ValueError, match="lifetime"):
        qr.issue_code(now=NOW, lifetime=lifetime)


def test_clock_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="aware"):
        qr.issue_code(now=NOW.replace(tzinfo=None), lifetime=MINUTE)
