"""`huitong keys` gives a first key, shows its secret once, lists and revokes."""

import re
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from huitong.cli.keys import app
from huitong.kernel.errors import InvalidField

RUNNER = CliRunner()


@pytest.fixture
def environment(api: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("HUITONG_DATABASE_URL", api.owner_url)
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))


def call(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_key_is_made_used_listed_and_revoked(api: Any, environment: None) -> None:
    shown = call("create", "--name", "till", "--scope", "customers:read")
    (secret,) = re.findall(r"htk_[A-Za-z0-9_-]{43}", shown)
    (name,) = re.findall(r"key_[0-9a-f]{32}", shown)
    headers = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(f"{api.url}/v1/customers", headers=headers).status_code == 200
    assert httpx.get(f"{api.url}/v1/merchants", headers=headers).status_code == 403
    assert secret not in call("list")
    assert call("revoke", name) == f"{name} (till) is revoked.\n"


def test_quiet_prints_the_secret_alone(environment: None) -> None:
    assert re.fullmatch(r"htk_[A-Za-z0-9_-]{43}\n", call("create", "--name", "script", "--quiet"))


def test_an_unknown_scope_is_refused(environment: None) -> None:
    with pytest.raises(InvalidField) as refused:
        call("create", "--name", "x", "--scope", "payments:steal")
    assert refused.value.field == "--scope"
