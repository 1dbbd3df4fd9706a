"""Logs are JSON lines, and no secret and no person's data can be read in them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from huitong.kernel.logs import (
    MASK,
    configure_logging,
    get_logger,
    mask_value,
    request_context,
)


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # Libraries are made quiet too, and other tests want to hear them.
    quiet = ("sqlalchemy", "httpx", "httpcore", "asyncio", "alembic.runtime.plugins")
    levels = {name: logging.getLogger(name).level for name in quiet}
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def read_line(output: io.StringIO) -> dict[str, object]:
    lines = output.getvalue().splitlines()
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert isinstance(line, dict)
    return line


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "new_password",
        "Authorization",
        "x-api-key",
        "apiKey",
        "API_KEY",
        "client_secret",
        "access_token",
        "set-cookie",
        "private_key",
        "database_url",
        "otp",
        "mobile",
        "payer_mobile",
        "phone_number",
        "id_number",
        "idCard",
        "email",
        "full_name",
        "legalName",
        "date_of_birth",
        "bank_account",
        "card_number",
        "address",
    ],
)
def test_masks_what_stands_under_a_private_key(key: str) -> None:
    assert mask_value("anything", key=key) == MASK
    assert mask_value({"outer": [{key: 13812345678}]}) == {"outer": [{key: MASK}]}


@pytest.mark.parametrize(
    "key", ["account_id", "amount", "currency", "code", "event", "request_id", "route", "pinned"]
)
def test_leaves_business_facts_readable(key: str) -> None:
    assert mask_value("anything", key=key) == "anything"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://huitong_owner:s3cr:et@127.0.0.1:5432/huitong",
         "postgresql://huitong_owner:***@127.0.0.1:5432/huitong"),
        ("header was Bearer abcdefgh12345678", "header was Bearer ***"),
        ("failed with password=hunter2, code=1", "failed with password=***, code=1"),
        ("no customer with 13812345678", "no customer with ***"),
        ("no customer with +86 13812345678.", "no customer with ***."),
        ("identity 11010519491231002X is taken", "identity *** is taken"),
        ("card 6222021234567890123 is closed", "card *** is closed"),
        ("write to li.lei@example.com now", "write to *** now"),
        ("pay_01890a5d138123456787aaa5b0c00000 was posted",
         "pay_01890a5d138123456787aaa5b0c00000 was posted"),
        ("amount 1050 CNY of transfer 7", "amount 1050 CNY of transfer 7"),
    ],
)  # fmt: skip
def test_masks_what_looks_private_inside_text(text: str, masked: str) -> None:
    assert mask_value(text) == masked


def test_cuts_what_is_too_long_and_too_deep() -> None:
    nested: dict[str, object] = {}
    for _level in range(10):
        nested = {"in": nested}
    assert "nested too deeply" in json.dumps(mask_value(nested))
    assert mask_value("x" * 20_000) == "x" * 16_384 + "… (20000 characters)"
    assert mask_value(list(range(500))) == list(range(100))
    assert mask_value(b"\x00secret") == "<7 bytes>"


def test_writes_one_json_object_with_the_request_id(output: io.StringIO) -> None:
    with request_context("req_1", caller="key_7"):
        get_logger("huitong.test").info("payment was posted", amount=1050, mobile="13812345678")
    line = read_line(output)
    assert line.pop("timestamp")
    assert line == {
        "event": "payment was posted",
        "level": "info",
        "logger": "huitong.test",
        "request_id": "req_1",
        "caller": "key_7",
        "amount": 1050,
        "mobile": MASK,
    }


def test_forgets_the_request_id_when_the_request_ends(output: io.StringIO) -> None:
    with request_context("req_1"):
        pass
    get_logger("huitong.test").info("idle")
    assert "request_id" not in read_line(output)


def test_masks_the_lines_of_libraries(output: io.StringIO) -> None:
    logging.getLogger("some.library").warning("cannot reach %s", "redis://me:pw@host/0")
    line = read_line(output)
    assert line["event"] == "cannot reach redis://me:***@host/0"
    assert line["logger"] == "some.library"


def test_masks_the_text_of_exceptions(output: io.StringIO) -> None:
    try:
        raise ValueError("no customer with 13812345678")
    except ValueError:
        get_logger("huitong.test").exception("lookup failed")
    text = str(read_line(output)["exception"])
    assert "ValueError: no customer with ***" in text
    assert "13812345678" not in output.getvalue()


def test_says_nothing_below_its_level(output: io.StringIO) -> None:
    get_logger("huitong.test").debug("chatter")
    assert output.getvalue() == ""


FORGED = (
    'it failed\n{"event": "all is well"}\r\x1b[2K\x9b2J\x85\N{LINE SEPARATOR}'
    "\N{RIGHT-TO-LEFT OVERRIDE}"
)


def test_what_somebody_sent_begins_no_line_and_steers_no_terminal(output: io.StringIO) -> None:
    get_logger("huitong.test").warning(FORGED, reason=FORGED, **{FORGED: 1})
    written = output.getvalue()
    assert written.count("\n") == 1
    assert len(written.splitlines()) == 1
    assert all(letter.isprintable() for letter in written.removesuffix("\n"))
    line = read_line(output)
    assert (line["event"], line["reason"], line[FORGED]) == (FORGED, FORGED, 1)


def test_nor_does_it_on_a_console(output: io.StringIO) -> None:
    stream = io.StringIO()
    configure_logging(stream=stream, log_format="console")
    get_logger("huitong.test").warning(FORGED, reason=FORGED)
    written = stream.getvalue()
    assert len(written.splitlines()) == 1
    assert all(letter.isprintable() for letter in written.removesuffix("\n"))
    assert "all is well" in written


def test_a_traceback_keeps_its_lines_on_a_console(output: io.StringIO) -> None:
    stream = io.StringIO()
    configure_logging(stream=stream, log_format="console")
    try:
        raise ValueError("\x9b2J\x1b[2J")
    except ValueError:
        get_logger("huitong.test").exception("it failed")
    assert len(stream.getvalue().splitlines()) > 3
    assert "\x9b" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
