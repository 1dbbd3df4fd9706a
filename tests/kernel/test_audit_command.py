"""`huitong audit`: verify names the record and ends with 1; a new key is meant and recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel import audit
from huitong.kernel.audit_chain import AuditKeyDiffers
from huitong.kernel.database.unit_of_work import Database, UnitOfWork

Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def run(owner_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `huitong audit …` on a fresh database and return exit code and output."""
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HUITONG_DATABASE_URL", owner_url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)

    async def run(*arguments: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["audit", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


async def record(database: Database) -> str:
    async def command(uow: UnitOfWork) -> str:
        return str(await audit.record(uow, action="test.do", subject="acct_1"))

    return await database.run(command)


async def test_says_that_the_trail_is_right_and_names_the_record_that_is_not(
    database: Database, owner_url: str, run: Run, tmp_path: Path
) -> None:
    identifier = await record(database)
    code, note = await run("checkpoint")
    assert (code, (tmp_path / "home" / "audit-checkpoint.txt").read_text()) == (0, note)
    code, output = await run("verify")
    assert code == 0
    assert "The audit trail is as it was sealed: 1 sealed records and 1 signed" in output

    connection = await asyncpg.connect(owner_url)
    await connection.execute("ALTER TABLE kernel.audit DISABLE TRIGGER ALL")
    await connection.execute("UPDATE kernel.audit SET actor = 'nobody'")
    await connection.execute("ALTER TABLE kernel.audit ENABLE TRIGGER ALL")
    await connection.close()

    code, output = await run("verify")
    assert code == 1
    assert f"record {identifier} at place 0" in output


async def test_says_so_when_nothing_is_recorded_or_signed(database: Database, run: Run) -> None:
    assert (await run("checkpoint"))[0] == 1
    await record(database)
    code, output = await run("verify")
    assert code == 0
    assert "Nothing is signed yet" in output


async def test_begins_with_a_new_key_only_when_it_is_meant(
    database: Database, run: Run, tmp_path: Path
) -> None:
    await record(database)
    await run("checkpoint")
    old_key = (await run("key"))[1].strip()
    (tmp_path / "home" / "keys" / "audit-log.pem").unlink()
    await record(database)

    with pytest.raises(AuditKeyDiffers, match="--new-key"):
        await run("checkpoint")
    assert (await run("checkpoint", "--new-key"))[0] == 0

    assert (await run("verify"))[0] == 1
    assert (await run("verify", "--public-key", old_key))[0] == 0
    async with database.unit_of_work() as uow:
        newest = (await audit.list_records(uow))[0]
    assert (newest.action, newest.actor) == ("kernel.change_audit_key", "cli")
    assert newest.subject == (await run("key"))[1].strip()


async def test_holds_the_trail_to_a_checkpoint_that_was_kept_elsewhere(
    database: Database, run: Run, tmp_path: Path
) -> None:
    await record(database)
    note = (await run("checkpoint"))[1]
    kept = tmp_path / "kept"
    kept.write_text(note)
    assert (await run("verify", "--checkpoint", str(kept)))[0] == 0
    kept.write_text(note.replace("\n1\n", "\n2\n"))
    assert (await run("verify", "--checkpoint", str(kept)))[0] == 1
