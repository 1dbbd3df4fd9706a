"""`huitong reconcile`: what it says, how it ends, and that it ends the same if it is killed."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.payments.reconciliation.conftest import PlantedDay, plant_day

from huitong import payments

if TYPE_CHECKING:
    from tests.payments.conftest import Town

reconciliation = payments.reconciliation
KILLS_MAX = 8
SECONDS_MAX = 90.0
#: The command with small ranges and batches, so that a day takes many transactions.
COMMAND = """
import sys
from huitong.payments.reconciliation import limits
limits.RANGE_LINES, limits.BOOKS_BATCH = 150, 150
from huitong.cli import main
print("ready", file=sys.stderr, flush=True)
main()
"""


class Command:
    """The command on a day in processes of their own."""

    def __init__(self, planted: PlantedDay, owner_url: str, folder: Path) -> None:
        self.path = folder / "bank.csv"
        self.path.write_bytes(planted.day.write())
        self.day = planted.day.day.isoformat()
        self.environment = {
            **os.environ,
            "HUITONG_DATABASE_URL": owner_url,
            "HUITONG_HOME": str(folder),
        }

    def start(self, *more: str, day: str | None = None) -> "subprocess.Popen[bytes]":
        arguments = ["reconcile", "--day", day or self.day, "--file", str(self.path), *more]
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    async def run(self, *more: str, day: str | None = None) -> tuple[int, str, str]:
        """Return how it ended, and what it said."""
        process = self.start(*more, day=day)
        said, complained = await asyncio.to_thread(process.communicate, timeout=SECONDS_MAX)
        return process.returncode, said.decode(), complained.decode()


@pytest.fixture
async def command(town: "Town", owner_url: str, tmp_path: Path) -> Any:
    return Command(await plant_day(town, owner_url, 1_000), owner_url, tmp_path)


async def test_it_tells_the_day_in_both_languages_and_ends_with_3_if_breaks_wait(
    command: Command,
) -> None:
    ended, said, _ = await command.run()
    assert ended == 3
    assert "渠道缺记 missing at the channel" in " ".join(said.replace("│", " ").split())
    assert "993 对平 matched" in said
    ended, said, complained = await command.run("--json")
    assert ended == 3, complained
    told = json.loads(said)
    assert (ended, told["waiting"], told["files"][0]["matched"]) == (3, 14, 993)
    assert {each["kind"] for each in told["breaks"]} == set(reconciliation.BreakKind)
    assert "This file was reconciled before" in complained


async def test_a_file_of_another_day_or_that_is_not_sound_ends_with_1_and_takes_nothing(
    town: "Town", command: Command
) -> None:
    ended, _, complained = await command.run(day="2026-01-05")
    assert ended == 1
    assert "the file is of" in complained
    command.path.write_bytes(command.path.read_bytes().replace(b"CNY:", b"CNY:1", 1))
    ended, _, complained = await command.run()
    assert ended == 1
    assert "the head's sums of CNY are not those of its lines" in complained
    assert await town.read(reconciliation.list_files) == []


async def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(
    town: "Town", command: Command
) -> None:
    chance, kills_amid = random.Random(7), 0
    for _ in range(KILLS_MAX):
        before = await count_stored(town)
        process = command.start()
        async with asyncio.timeout(SECONDS_MAX):
            # Random moments of a busy machine would be those of its start.
            while process.poll() is None and await count_stored(town) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        await asyncio.sleep(chance.uniform(0.0, 0.02))
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.communicate, timeout=SECONDS_MAX)
        files = await town.read(reconciliation.list_files)
        marks = await town.read(count_marks)
        if files and files[0].state is reconciliation.FileState.MATCHED and marks >= 1_000:
            break
        kills_amid += bool(files) and files[0].state is not reconciliation.FileState.MATCHED
    ended, said, _ = await command.run("--json")
    told = json.loads(said)
    assert kills_amid >= 1
    assert (ended, told["waiting"], told["files"][0]["matched"]) == (3, 14, 993)
    assert [each["count"] for each in told["breaks"]] == [1] * 14
    assert await town.read(count_lines) == (1_002, 1_002)


async def count_stored(town: "Town") -> list[tuple[int, str]]:
    return [(each.loaded, each.state) for each in await town.read(reconciliation.list_files)]


async def count_marks(uow: Any) -> int:
    return await uow.fetch_value("SELECT coalesce(max(line), 0) FROM payments.recon_marks")


async def count_lines(uow: Any) -> tuple[int, int]:
    ranges = await uow.execute("SELECT line_count, content FROM payments.recon_ranges")
    return (
        sum(row.content.count(b"\n") for row in ranges),
        sum(row.line_count for row in ranges),
    )
