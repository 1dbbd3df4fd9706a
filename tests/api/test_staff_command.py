"""`huitong staff add` makes the first two administrators, `huitong permissions` a matrix."""

import re
from typing import Any

import httpx
import pyotp
import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.identity import BootstrapOver

RUNNER = CliRunner()
PASSWORD = "chestnut river 南山南"


@pytest.fixture
def environment(api: Any, settings_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITONG_DATABASE_URL", api.owner_url)
    # The server's home: both need the same master keys.
    monkeypatch.setenv("HUITONG_HOME", str(settings_for(api.owner_url).home))


def call(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_first_administrators_are_added_enrol_and_sign_in(api: Any, environment: None) -> None:
    shown = call("staff", "add", "--name", "王芳", "--email", "fang@bank.example")
    (token,) = re.findall(r"hse_[A-Za-z0-9_-]{43}", shown)
    assert "fang@" not in shown
    with httpx.Client(base_url=api.url) as client:
        started = client.post(
            "/v1/staff/enrolments", json={"token": token, "password": PASSWORD}
        ).json()
        totp = pyotp.TOTP(started["secret"])
        assert started["address"].startswith("otpauth://totp/Huitong:")
        finished = client.post(
            "/v1/staff/enrolments/finish", json={"token": token, "code": totp.now()}
        )
        codes = finished.json()["recovery_codes"]
        assert len(codes) == len(set(codes)) == 10
        answer = client.post(
            "/v1/staff/sessions",
            json={
                "email": "Fang@bank.example",
                "password": PASSWORD,
                "recovery_code": codes[0],
            },
        )
    assert answer.status_code == 201, answer.text
    assert answer.json()["session"]["roles"] == ["administrator"]
    quiet = call("staff", "add", "--name", "李雷", "--email", "lei@bank.example", "--quiet")
    assert re.fullmatch(r"hse_[A-Za-z0-9_-]{43}\n", quiet)
    with pytest.raises(BootstrapOver):
        call("staff", "add", "--name", "韩梅梅", "--email", "mei@bank.example")


def test_the_matrix_is_printed_as_a_table_and_as_the_page() -> None:
    page = call("permissions", "--markdown")
    assert page.startswith("# Permissions\n")
    assert "| GET /v1/staff/members | staff:read |" in page
    table = call("permissions")
    assert "everybody" in table
    assert "customer (own)" in table


def test_the_operator_lets_somebody_in_once(api: Any, staff: Any, environment: None) -> None:
    call("staff", "let-in", "--help")
    unknown = RUNNER.invoke(app, ["staff", "let-in", "--email", "nobody@bank.example"])
    assert unknown.exit_code != 0
    shown = call("staff", "let-in", "--email", "fang@bank.example")
    assert re.fullmatch(r"stf_[0-9a-f]{32} may sign in once until \S+\.\n", shown)
