"""Making the system user under which PostgreSQL runs when Huitong is started as root."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from huitong.kernel.database import system_user
from huitong.kernel.database.faults import EmbeddedDatabaseFault
from huitong.kernel.database.system_user import SystemUser

_STARTS = 4


def _install_useradd(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "useradd"
    program.write_text(f"#!/bin/sh\ncd {folder}\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_two_starts_at_once_make_one_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _install_useradd(
        tmp_path, "echo begin >>calls; sleep 0.2; echo 999 >number; echo end >>calls", monkeypatch
    )

    def find(name: str) -> SystemUser | None:
        assert name == system_user.SYSTEM_USER_NAME
        number = tmp_path / "number"
        return SystemUser(int(number.read_text()), 995) if number.exists() else None

    monkeypatch.setattr(system_user, "_find_user", find)

    with ThreadPoolExecutor(_STARTS) as pool:
        started = [pool.submit(system_user._ensure_system_user) for _ in range(_STARTS)]
        users = [start.result() for start in started]

    assert users == [SystemUser(999, 995)] * _STARTS
    assert (tmp_path / "calls").read_text().split() == ["begin", "end"]


def test_says_why_the_user_could_not_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install_useradd(tmp_path, "echo no space left >&2; exit 1", monkeypatch)
    monkeypatch.setattr(system_user, "_find_user", lambda _name: None)
    monkeypatch.setattr(system_user, "_USERADD_ATTEMPTS_MAX", 2)

    with pytest.raises(EmbeddedDatabaseFault, match="no space left"):
        system_user._ensure_system_user()
