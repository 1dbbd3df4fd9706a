"""docs/security.md says of each requirement of ASVS 5.0 what is true, and what is there to see."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from huitong.api.app import ROUTERS
from huitong.api.declarations import PUBLIC, list_declarations
from huitong.identity import Factor, SecondFactor
from huitong.identity.policies import LOCK_RULES, SESSION_POLICIES, LockKind
from huitong.identity.types import Audience
from huitong.identity.weak_secrets import CONTEXT_WORDS
from huitong.kernel import limits
from huitong.kernel.settings import Settings
from huitong.privacy import DataKind
from huitong.wiring.supervisor import _LOG_BYTES_MAX

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
STATES = ("met", "not met", "n/a")
#: The levels of the requirements of each section of ASVS 5.0.0, in their order; 3 is left out.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3",
    "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333",
    "6.6": "2223", "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222",
    "10.6": "22", "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23",
    "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
_ROW = re.compile(r"\| (\d+\.\d+\.\d+) \| (.+?) \| (.+?) \| (.+?) \| (.+) \|")
_NAMED = re.compile(r"`([a-z_/]+\.py)::(\w+)`")


@dataclass(frozen=True)
class Requirement:
    number: str
    level: str
    subject: str
    state: str
    said: str

    @property
    def tests(self) -> list[tuple[str, str]]:
        return _NAMED.findall(self.said)


def read_rows() -> list[Requirement]:
    found = []
    for line in PAGE.splitlines():
        if re.match(r"\| \d+\.", line):
            match = _ROW.fullmatch(line)
            assert match is not None, line
            found.append(Requirement(*match.groups()))
    return found


ROWS = read_rows()


def section(title: str) -> str:
    """Return the text under a heading of the page."""
    _, found, rest = PAGE.partition(f"\n## {title}\n")
    assert found, title
    return " ".join(rest.partition("\n## ")[0].split())


@cache
def list_tests(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def test_the_standard_has_as_many_requirements_as_it_says() -> None:
    counted = Counter("".join(LEVELS.values()))
    assert counted == {"1": 70, "2": 183, "3": 92}


def test_every_requirement_of_levels_one_and_two_is_there_once_in_order() -> None:
    wanted = [
        (f"{part}.{at}", level)
        for part, levels in LEVELS.items()
        for at, level in enumerate(levels, start=1)
        if level != "3"
    ]
    assert [(row.number, row.level) for row in ROWS] == wanted
    assert {row.state for row in ROWS} == set(STATES)


def test_every_test_that_is_named_exists() -> None:
    named = {each for row in ROWS for each in row.tests}
    assert len(named) > 150
    missing = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not (ROOT / "tests" / path).is_file() or name not in list_tests(path)
    ]
    assert missing == []
    # Nothing that looks like a test escapes the pattern by a letter.
    assert PAGE.count("::") == sum(len(row.tests) for row in ROWS)


def test_what_is_met_names_a_test_and_the_rest_says_why() -> None:
    for row in ROWS:
        if row.state == "met":
            assert row.tests, row.number
        elif row.state == "not met":
            reason = _NAMED.sub("", row.said)
            assert len(reason.split()) >= 8, row.number
            is_decided = "By decision" in reason or "by decision" in reason
            asks = "Needed" in reason or "for the operator" in reason
            assert asks or is_decided or "RFC 6238" in reason, row.number
        else:
            assert row.said, row.number


def test_the_summary_counts_what_stands_below() -> None:
    lines = re.findall(r"\| (V\d+|All|of these, level 1)(?: [^|]+)?((?: \| \d+){4}) \|", PAGE)
    summary = {name: [int(each) for each in re.findall(r"\d+", cells)] for name, cells in lines}
    wanted: dict[str, list[int]] = {}
    for name, rows in (
        *((f"V{n}", [r for r in ROWS if r.number.startswith(f"{n}.")]) for n in range(1, 18)),
        ("All", ROWS),
        ("of these, level 1", [row for row in ROWS if row.level == "1"]),
    ):
        states = Counter(row.state for row in rows)
        wanted[name] = [*(states[state] for state in STATES), len(rows)]
    assert summary == wanted


def test_what_the_introduction_calls_not_met_is_not() -> None:
    _, _, said = PAGE.partition("What weighs most")
    numbers = re.findall(r"\d+\.\d+\.\d+", said.partition("\n## ")[0])
    states = {row.number: row.state for row in ROWS}
    assert len(numbers) >= 5
    assert {states[number] for number in numbers} == {"not met"}


def test_every_document_that_is_asked_for_is_here() -> None:
    anchors = {
        re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    }
    linked = set(re.findall(r"\]\(#([\w-]+)\)", PAGE))
    assert len(linked) >= 10
    assert linked <= anchors
    for path in re.findall(r"\]\(((?!http|#)[^)]+)\)", PAGE):
        assert (ROOT / "docs" / path).is_file(), path
    assert len(section("What must fit together, and limits").split()) > 80


def test_sessions_are_described_with_the_policy_that_holds() -> None:
    text = section("Sessions")
    for audience, most in (
        (Audience.CUSTOMER, limits.SESSIONS_PER_LOGIN_MAX),
        (Audience.STAFF, limits.STAFF_SESSIONS_MAX),
    ):
        policy = SESSION_POLICIES[audience]
        idle, live = policy.idle_seconds // 60, policy.live_seconds // 3_600
        assert f"| {audience.value} | {idle} min | {live} h | {most} |" in text


def test_guessing_is_described_with_the_rules_that_hold() -> None:
    text = section("Guessing")
    assert set(LOCK_RULES) == {LockKind.ADDRESS, LockKind.NUMBER, LockKind.PIN}
    for name, kind in (
        ("a network address", LockKind.ADDRESS),
        ("a number, an address of staff, or a known device", LockKind.NUMBER),
        ("a payment PIN", LockKind.PIN),
    ):
        rule = LOCK_RULES[kind]
        leak = f" (one is forgotten every {rule.leak_seconds} s)" if rule.leak_seconds else ""
        row = f"| {name} | {rule.free_failures}{leak} | {rule.first_seconds} s | "
        assert f"{row}{rule.seconds_max} s |" in text
    assert (
        f"dies after {limits.ONE_TIME_CODE_TRIES_MAX} wrong tries and "
        f"{limits.ONE_TIME_CODE_SECONDS} s; a number gets "
        f"{limits.ONE_TIME_CODES_PER_NUMBER_HOUR_MAX} an hour and "
        f"{limits.ONE_TIME_CODES_PER_NUMBER_DAY_MAX} a day"
    ) in text


def test_the_words_of_the_house_are_those_that_are_refused() -> None:
    _, _, words = section("Words of the house").partition("): ")
    listed = re.findall(r"`([^`]+)`", words)
    assert listed == list(CONTEXT_WORDS)


def test_every_way_in_is_described() -> None:
    text = section("Ways in")
    doors = {
        each.path
        for each in list_declarations(ROUTERS)
        if each.permission == PUBLIC and each.method == "POST"
    }
    # A further public door is a further way in: describe it, then add it here.
    assert doors == {
        "/v1/channel-callbacks/{channel}",
        "/v1/identity/codes",
        "/v1/identity/passkey-challenges",
        "/v1/identity/sessions/by-code",
        "/v1/identity/sessions/by-passkey",
        "/v1/identity/sessions/by-password",
        "/v1/identity/sessions/by-sign-up",
        "/v1/identity/sign-ups",
        "/v1/receipts/verify",
        "/v1/staff/enrolments",
        "/v1/staff/enrolments/finish",
        "/v1/staff/passkey-challenges",
        "/v1/staff/sessions",
    }
    assert {each.value for each in SecondFactor} == {"totp", "recovery_code", "passkey"}
    assert {each.value for each in Factor} == {"one_time_code", "password", "passkey", "pin"}
    for way in ("one-time code", "password", "passkey", "authenticator", "recovery code", "PIN"):
        assert way in text, way


def test_uploads_are_described_with_the_limits_that_hold() -> None:
    text = section("Uploads")
    for wanted in (
        f"at most {limits.APPLICATION_PICTURE_BYTES_MAX} bytes",
        f"{limits.PICTURE_SIDE_PIXELS_MAX} pixels a side",
        f"{limits.PICTURE_PIXELS_MAX} in all",
        f"limited to {limits.PICTURE_SECONDS_MAX} s",
        "JPEG, PNG or WebP",
    ):
        assert wanted in text, wanted


def test_every_kind_of_personal_data_has_a_level() -> None:
    text = section("Data and its protection")
    (row,) = re.findall(r"\| C2 \| ((?:`\w+`(?:, )?)+) \|", text)
    kinds = [kind.value for kind in DataKind if kind is not DataKind.PICTURE]
    assert re.findall(r"`(\w+)`", row) == kinds
    assert f"| C3 | `{DataKind.PICTURE.value}` of" in text
    schedule = (ROOT / "src/huitong/privacy/retention_schedule.yaml").read_text(encoding="utf-8")
    for name in ("identity_pictures", "identity_records", "transaction_records", "access_logs"):
        assert f"`{name}`" in text
        assert f"data_class: {name}\n" in schedule


def test_keys_are_listed_with_the_files_that_hold_them() -> None:
    text = section("Keys and ciphers")
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "src" / "huitong").rglob("*.py"))
        if path.parts[-2] != "bench"
    )
    for file in ("master.json", "ledger-log.pem", "audit-log.pem", "ca.pem", "server.pem"):
        assert file in text
        assert f'"{file}"' in sources or file in sources, file
    # What is used of the library, in the words of the table.
    used = {
        "AESGCM": "AES-256-GCM",
        "algorithms.SM4": "SM4-GCM",
        "Ed25519PrivateKey": "Ed25519",
        "ec.SECP256R1": "ECDSA P-256",
        "HKDF": "HKDF",
        "PasswordHasher": "argon2id",
        "pyotp.TOTP": "HMAC-SHA-1",
        "SCRAM": "SCRAM-SHA-256",
    }
    for name, word in used.items():
        assert name in sources, name
        assert word in text, word
    assert "rotate-master" in text
    assert "retire-master" in text


def test_everybody_whom_the_platform_asks_is_listed() -> None:
    text = section("Whom the platform talks to")
    settings = Settings(
        home=Path("/nowhere"),
        bank_channel_url="https://a",
        fx_rates_url="https://e",
        correspondent_url="https://f",
        registry_url="https://b",
        bureau_url="https://g",
        sms_gateway_url="https://c",
        otlp_endpoint="https://d",
    )
    names = {name for name in settings.to_environment() if name.endswith(("_URL", "_ENDPOINT"))} | {
        "HUITONG_DATABASE_URL"
    }
    assert set(re.findall(r"`(\w+_(?:URL|ENDPOINT))`", text)) == names
    assert f"HTTPS, {limits.SMS_TIMEOUT_SECONDS_MAX} s" in text
    assert f"HTTPS, {limits.CHANNEL_TIMEOUT_SECONDS_MAX} s" in text
    assert f"HTTPS, {limits.REGISTRY_TIMEOUT_SECONDS_MAX} s, signed" in text
    assert f"up to {limits.CHANNEL_RETRY_SECONDS_MAX} s apart" in text
    assert f"{limits.DATABASE_CONNECTIONS_MAX} connections a process" in text


def test_what_costs_much_is_listed_with_its_bound() -> None:
    text = section("What costs much")
    for wanted in (
        f"{limits.HASHES_AT_ONCE_MAX} at once, {limits.HASHES_WAITING_MAX} waiting",
        f"{limits.PICTURE_SECONDS_MAX} s, {limits.PICTURES_WAITING_MAX} waiting",
        f"a queue of {limits.QUEUE_REQUESTS_MAX}",
        f"{limits.PAGE_SIZE_MAX} entries a page",
        f"{limits.REQUEST_BODY_BYTES_MAX} bytes, {limits.REQUEST_SECONDS_MAX} s",
        f"a head {limits.REQUEST_HEAD_BYTES_MAX} bytes, {limits.REQUEST_SECONDS_MAX} s",
        f"| a statement of the database | {limits.STATEMENT_TIMEOUT_SECONDS_MAX} s |",
        f"{limits.EXPORT_PARTS_MAX} parts",
    ):
        assert wanted in text, wanted


def test_packages_have_times_in_which_they_are_updated() -> None:
    text = section("Packages of others")
    assert re.findall(r"\*\*(\d+) days\*\*", text) == ["2", "7", "30", "90"]
    makefile = (ROOT / "Makefile").read_text()
    assert "\naudit: setup" in makefile
    script = (ROOT / "scripts" / "audit").read_text()
    # Without this a package that nobody answers about would pass.
    assert "--strict" in script
    lock = (ROOT / "uv.lock").read_text()
    for name in ("uvicorn", "httptools", "starlette", "pydantic", "msgspec", "pillow", "asyncpg"):
        assert name in text.lower()
        assert f'name = "{name}"' in lock


def test_logs_are_listed_with_their_bounds() -> None:
    text = section("Logs")
    assert f"at most {limits.SECURITY_LINES_PER_SECOND_MAX} a second and process" in text
    for place in ("`identity.attempts`", "`identity.staff_attempts`", "`kernel.audit`"):
        assert place in text
    assert _LOG_BYTES_MAX == 50 * 1024 * 1024
    assert "past 50 MB" in text


@pytest.mark.parametrize("promise", ["`make audit`", "docs/security.md"])
def test_the_policy_of_the_repository_points_here(promise: str) -> None:
    assert promise in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
