"""`huitong privacy` shows texts, queue, retention and alerts, and lets staff decide."""

import asyncio
import getpass
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from huitong import customers, ledger
from huitong.cli.privacy import app
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.settings import Settings
from huitong.privacy import (
    LiftedBySamePerson,
    RequestKind,
    Vault,
    create_request,
    record_search,
    record_view,
)
from huitong.wiring.loops import LOOPS, make_loops
from huitong.wiring.people_data import make_providers


@pytest.fixture
def home(owner_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path))
    monkeypatch.delenv("HUITONG_MASTER_KEYS", raising=False)
    return tmp_path


@pytest.fixture
def run(owner_url: str, home: Path) -> Callable[[Callable[[UnitOfWork], Awaitable[Any]]], Any]:
    """Run a command of the room."""

    def run(command: Callable[[UnitOfWork], Awaitable[Any]]) -> Any:
        async def go() -> Any:
            async with Database(owner_url, role="huitong_app") as database:
                return await database.run(command)

        return asyncio.run(go())

    return run


def call(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def step(owner_url: str, home: Path, name: str) -> bool:
    """Do one step of a worker's loop."""

    async def go() -> bool:
        loops = make_loops(Settings(home=home))
        (loop,) = (loop for loop in loops if loop.name == name)
        async with Database(owner_url, role="huitong_app") as database:
            return await loop.step(database, datetime.now(UTC))

    return asyncio.run(go())


def make_request(run: Any, home: Path, kind: RequestKind) -> tuple[uuid.UUID, str]:
    vault, subject_id = Vault(load_key_ring(home)), uuid7()

    async def command(uow: UnitOfWork) -> Any:
        await ledger.install_chart(uow)
        await customers.open_customer(
            uow,
            customer_id=subject_id,
            name="张小三",
            mobile=f"139{subject_id.int % 10**8:08}",
            account_class=2,
            now=datetime.now(UTC),
        )
        await vault.seal(uow, subject_id, {"club.members.name": "张小三"})
        return await create_request(
            uow,
            vault,
            make_providers(),
            request_id=uuid7(),
            subject_id=subject_id,
            kind=kind,
            now=datetime.now(UTC) - timedelta(days=29),
        )

    return subject_id, f"srq_{run(command).id.hex}"


def test_shows_the_texts() -> None:
    shown = call("texts")

    assert "接收营销信息" in shown
    assert "face_recognition version 1, separate consent" in shown


def test_staff_approve_and_the_worker_carries_out(run: Any, home: Path, owner_url: str) -> None:
    _, shown = make_request(run, home, RequestKind.DELETE)
    _, copy = make_request(run, home, RequestKind.COPY)

    queue = call("queue")
    assert re.search(rf"{shown}.*delete.*received", queue)
    assert re.search(rf"{copy}.*copy.*approved", queue)
    assert call("approve", shown) == f"{shown} is approved.\n"
    assert step(owner_url, home, "privacy.fulfil_requests")
    assert step(owner_url, home, "privacy.fulfil_requests")
    assert not step(owner_url, home, "privacy.fulfil_requests")

    assert "srq_" not in call("queue")
    history = call("history", shown)
    assert re.search(rf"approved.*cli:{getpass.getuser()}", history)
    assert re.search(r"done.*system", history)


def test_a_refusal_names_a_reason_that_there_is(run: Any, home: Path) -> None:
    _, shown = make_request(run, home, RequestKind.OBJECT_AUTOMATED)

    with pytest.raises(InvalidField):
        call("refuse", shown, "--reason", "too_much_work")
    refused = call("refuse", shown, "--reason", "not_automated")

    assert refused.startswith(f"{shown} is refused. 该决定由人工作出。 The decision was made by")


def test_retention_shows_schedule_due_and_evidence(run: Any, home: Path, owner_url: str) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    run(
        lambda uow: record_view(
            uow, viewer="staff_li", subject_id=uuid7(), is_related=True, now=old
        )
    )
    before = call("retention")
    assert re.search(r"identity_records.*10 years", before)
    assert re.search(r"access_logs.*6 months.*looked +│ 1 ", before)

    assert step(owner_url, home, "privacy.destroy_due")

    after = call("retention")
    assert re.search(r"access_logs.*6 months.*looked +│ 0 ", after)
    assert re.search(r"access_logs +│ 1 +│ 6 months from looked", after)
    assert not step(owner_url, home, "privacy.destroy_due")


def test_alerts_show_who_is_cut_and_another_person_lifts(
    run: Any, home: Path, owner_url: str
) -> None:
    vault = Vault(load_key_ring(home))

    async def search(uow: UnitOfWork) -> None:
        for number in range(13800000000, 13800000006):
            await record_search(
                uow,
                vault,
                viewer="staff_li",
                kind="mobile",
                value=str(number),
                found=uuid7(),
                now=datetime.now(UTC),
            )

    run(search)
    assert not step(owner_url, home, "privacy.scan_access")

    shown = call("alerts")
    assert re.search(r"sequence.*staff_li.*5.*5", shown)
    assert re.search(r"staff_li.*system", shown)
    assert call("lift", "staff_li", "--reason", "演练") == "staff_li has access again.\n"
    assert call("cut", "staff_li") == "staff_li is cut.\n"
    assert call("cut", "staff_li") == "staff_li was cut already.\n"
    with pytest.raises(LiftedBySamePerson):
        call("lift", "staff_li", "--reason", "算了")


def test_the_worker_has_the_loops(tmp_path: Path) -> None:
    names = {loop.name for loop in make_loops(Settings(home=tmp_path))}

    assert "privacy.scan_access" in {loop.name for loop in LOOPS}
    assert {"privacy.fulfil_requests", "privacy.destroy_due"} <= names
