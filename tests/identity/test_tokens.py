"""Tokens that nobody guesses, and of which nobody can make another one from what is kept."""

import base64
import hashlib
import re
from collections import Counter
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from huitong.identity import tokens
from huitong.identity.commands.codes import _make
from huitong.identity.totp import make_address, make_secret

PREFIXES = [
    tokens.SESSION_PREFIX,
    tokens.DEVICE_PREFIX,
    tokens.STAFF_SESSION_PREFIX,
    tokens.ENROLMENT_PREFIX,
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_token_has_256_random_bits_and_says_what_it_is(prefix: str) -> None:
    made = [tokens.make_token(prefix) for _ in range(1_000)]
    assert len(set(made)) == 1_000
    raw = [base64.urlsafe_b64decode(each.removeprefix(prefix) + "=") for each in made]
    assert {len(each) for each in raw} == {32}
    # Each bit is set in about half of them: a thousand throws differ by 100 once in 10 billion.
    for bit in range(256):
        ones = sum(int.from_bytes(each) >> bit & 1 for each in raw)
        assert 350 < ones < 650


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_token_of_one_kind_is_none_of_another(prefix: str) -> None:
    token = tokens.make_token(prefix)
    assert tokens.digest_token(prefix, token) == hashlib.sha256(token.encode()).digest()
    others = [other for other in PREFIXES if other != prefix]
    assert [tokens.digest_token(other, token) for other in others] == [None] * 3
    for text in ("", prefix, token[:-1], token + "A", token + "\n", token.replace("_", "=", 1)):
        assert tokens.digest_token(prefix, text) is None


def test_an_address_for_an_authenticator_holds_text_as_text() -> None:
    secret = make_secret()
    address = make_address(secret, "a b&secret=EVIL#c/d?@bank.example")
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("otpauth", "totp", "")
    assert parse_qs(parts.query) == {"secret": [secret], "issuer": ["Huitong"]}
    assert len(base64.b32decode(secret)) == 20


def test_a_code_is_any_of_a_million() -> None:
    made = [_make(datetime.now(UTC)).code for _ in range(20_000)]
    assert all(re.fullmatch("[0-9]{6}", code) for code in made)
    # Of 20,000 out of a million some 200 come twice, and a tenth begin with each digit.
    assert 19_500 < len(set(made)) < 20_000
    firsts = Counter(code[0] for code in made)
    assert sorted(firsts) == list("0123456789")
    assert all(1_700 < count < 2_300 for count in firsts.values())
