"""`huitong log`: from a fresh key to a proof that a stranger checks without any database."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from huitong.cli import app
from huitong.kernel.errors import Refusal
from huitong.kernel.ids import TRANSFER, show_id
from huitong.ledger.verify import verify_ledger


@pytest.fixture
def run(books, monkeypatch, tmp_path):
    """Run `huitong log …` on the books' database and return exit code and output."""
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HUITONG_DATABASE_URL", books.owner_url)
    monkeypatch.delenv("HUITONG_DATABASE_APP_URL", raising=False)

    async def run(*arguments: str) -> tuple[int, str]:
        # The command has an event loop of its own, so it needs a thread of its own.
        result = await asyncio.to_thread(CliRunner().invoke, app, ["log", *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


async def test_a_stranger_checks_a_proof_without_any_database(
    books, make_journal, run, tmp_path, monkeypatch
):
    ids = await make_journal(3)
    _, first = await run("checkpoint")
    ids += await make_journal(4)
    _, second = await run("checkpoint")
    _, public_key = await run("key")
    shown = show_id(TRANSFER, ids[1])
    files = {
        "proof.json": (await run("prove", shown))[1],
        "growth.json": (await run("consistency", "3", "7"))[1],
        "checkpoint": second,
        "key": public_key,
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert json.loads(files["growth.json"])["from"] == first

    # From here on there is no platform: no database, and a home that was never used.
    monkeypatch.setenv("HUITONG_HOME", str(tmp_path / "stranger"))
    monkeypatch.setenv("HUITONG_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    async def check(name: str, key: str) -> tuple[int, str]:
        return await run("check", str(tmp_path / name), "--public-key", key)

    code, output = await check("proof.json", public_key.strip())
    assert code == 0
    assert f"✓ {shown} is in the ledger" in output
    assert "0.02 CNY, Transfer 转账, posted" in output
    assert "leaf 1 of huitong/ledger/" in output
    code, output = await check("growth.json", str(tmp_path / "key"))
    assert code == 0
    assert "From 3 to 7 leaves the log only grew" in output
    code, output = await check("checkpoint", public_key)
    assert code == 0
    assert "The checkpoint is signed: huitong/ledger/" in output
    assert not (tmp_path / "stranger").exists()

    forged = json.loads(files["proof.json"])
    forged["transfer"]["amount"]["amount"] = "9.00"
    (tmp_path / "forged.json").write_text(json.dumps(forged))
    with pytest.raises(Refusal, match="not in this tree"):
        await check("forged.json", public_key)


async def test_signs_nothing_of_an_empty_ledger(run):
    code, output = await run("checkpoint")
    assert code == 1
    assert "no transfers yet" in output


async def test_refuses_a_transfer_that_is_not_written_as_ours(run):
    with pytest.raises(Refusal) as caught:
        await run("prove", "tr_1")
    assert (caught.value.code, caught.value.field) == ("invalid_field", "transfer")


async def test_verify_says_that_the_log_differs_from_the_journal(books, log, make_journal):
    first, _ = await make_journal(2)
    await log.seal_and_publish()
    assert (await verify_ledger(books.database)).is_clean
    # Consistent everywhere else: only the log remembers that the two were not so.
    await books.tamper("UPDATE ledger.transfers SET code = 999 WHERE id = $1", first)
    await books.tamper("UPDATE ledger.lines SET code = 999 WHERE transfer_id = $1", first)

    (finding,) = (await verify_ledger(books.database)).findings

    assert (finding.invariant, finding.count) == ("log", 2)
    assert [each.subject for each in finding.examples] == [show_id(TRANSFER, first), "leaf 0"]
