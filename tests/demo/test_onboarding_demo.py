"""The story of one customer's data, played once on a platform of its own, and what it leaves."""

import asyncio
import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from huitong.cli import app
from huitong.cli.demo_onboarding import play_on
from huitong.demo import SCOPES, Client, Day, Stage, play_day
from huitong.demo.id_cards import draw_front
from huitong.demo.onboarding.applicants import draw_applicants
from huitong.kernel.cryptography import SealBroken, load_key_ring, open_record, read_key_name
from huitong.wiring.trial import Trial, issue_key, trial_platform

SEED = 1823
CONTROL = "名字必须找得到"


@dataclass
class Played:
    """A platform on which both stories were played, and what was shown of the one of a customer."""

    trial: Trial
    shown: str
    is_right: bool
    pictures: Path
    day: Day


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Play a day of business and the life of a customer on one platform."""
    screen = io.StringIO()
    pictures = tmp_path_factory.mktemp("pictures")
    with trial_platform(arguments=("--demo",)) as trial:
        issued = asyncio.run(
            issue_key(trial.settings, name="test", scopes=SCOPES, now=datetime.now(UTC))
        )
        with Client(trial.url, issued.secret) as client:
            day = Day(client=client, stage=Stage(Console(file=io.StringIO())), seed=7)
            assert play_day(day, url=trial.url), day.differences
        console = Console(file=screen, width=140)
        is_right = play_on(trial, console, seed=SEED, pictures=pictures)
        yield Played(trial, screen.getvalue(), is_right, pictures, day)


def test_every_answer_is_as_it_must_be(played: Played) -> None:
    assert played.is_right, played.shown
    assert "✗" not in played.shown
    for scene in [
        "证件",
        "识读",
        "开户",
        "人工",
        "限额",
        "登录",
        "升级",
        "付款",
        "撤回",
        "副本",
        "删除",
    ]:
        assert f"、{scene}" in played.shown
    assert "422 total_limit_exceeded" in played.shown
    assert "open_balance" in played.shown
    assert "The ledger is right" in played.shown


def test_shows_what_was_typed_and_read_and_leaves_the_pictures(played: Played) -> None:
    applicant = next(draw_applicants(SEED))
    # Typed, read, and twice in the copy that its owner fetched: in the glimpse, and as checked.
    assert played.shown.count(applicant.specimen.number) == 4
    assert '"rooms"' in played.shown
    for kind, content in applicant.pictures.items():
        path = played.pictures / f"{kind}.jpg"
        assert path.read_bytes() == content
        assert str(path) in "".join(played.shown.split("\n"))
    with Image.open(played.pictures / "id_front.jpg") as picture:
        assert min(picture.size) > min(draw_front(applicant.specimen, portrait_seed=1).size)


def test_no_table_and_no_log_line_shows_who_took_part(played: Played, dump_database: Any) -> None:
    # One copy of all that is left: tables, and what every process said, the database's too.
    dump = asyncio.run(dump_database(played.trial.settings.database_owner_url))
    logs = {
        path: path.read_text(encoding="utf-8", errors="replace")
        for folder in (played.trial.home / "log", played.trial.home / "postgres" / "log")
        for path in folder.iterdir()
    }
    names = {path.name for path in logs if logs[path]}
    assert {"up.log", "api-1.log", "worker.log"} <= names
    assert any(name.startswith("postgres") for name in names)
    everything = dump.adding("\n".join(logs.values()))

    assert "customers.ApplicationDecided.v1" in dump.text
    assert "privacy.SubjectErased.v1" in dump.text
    people = list(islice(draw_applicants(SEED), 2))
    secrets = [secret for person in people for secret in person.secrets()]
    mistyped = people[1].specimen.name[0] + "冒名"
    customers = [each for each in played.day.people if each.mobile]
    secrets += [mistyped, *(each.name for each in customers), *(each.mobile for each in customers)]
    assert len(customers) == 3
    # Those whom `huitong up --demo` opens.
    secrets += ["13800000001", "13800000002"]
    assert everything.find(secrets) == []


def test_looking_for_people_finds_them_in_whatever_form(owner_url: str, dump_database: Any) -> None:
    async def leave_traces() -> None:
        connection = await asyncpg.connect(owner_url)
        try:
            await connection.execute(
                "CREATE SCHEMA traces; CREATE TABLE traces.t (a jsonb, b bytea)"
            )
            await connection.execute("CREATE TABLE traces.u (c bytea[], d text, e text, f text)")
            await connection.execute(
                "INSERT INTO traces.t VALUES ($1, $2)",
                json.dumps({"deep": ["x", {"name": "甲" + CONTROL}]}),
                json.dumps({"name": "乙" + CONTROL}).encode(),
            )
            encoded = [
                base64.b64encode((pad + "丙" + CONTROL + "!").encode()).decode()
                for pad in ("", "x", "xy")
            ]
            await connection.execute(
                "INSERT INTO traces.u VALUES ($1, $2, $3, $4)",
                [b"ok", ("x丁" + CONTROL).encode()],
                " ".join(encoded),
                ("戊" + CONTROL).encode().hex(),
                "",
            )
        finally:
            await connection.close()

    asyncio.run(leave_traces())
    dump = asyncio.run(dump_database(owner_url))
    planted = [f"{first}{CONTROL}" for first in "甲乙丙丁戊"]
    assert dump.find([*planted, f"己{CONTROL}"]) == planted


def test_no_key_of_the_platform_opens_what_is_left_of_the_customer(played: Played) -> None:
    ring = load_key_ring(played.trial.home)
    rows, keys = asyncio.run(_read_what_is_left(played.trial.settings.database_owner_url))
    (sealed,) = (row["name_sealed"] for row in rows if row["destroyed_at"] is not None)
    assert len(keys) > 3
    (erased,) = (row["id"] for row in rows if row["destroyed_at"] is not None)
    for key in keys:
        data_key = ring.get(read_key_name(key["wrapped"])).unwrap(
            key["wrapped"], owner=key["subject_id"].bytes
        )
        with pytest.raises(SealBroken):
            open_record(data_key, erased, {"customers.customers.name": sealed})


async def _read_what_is_left(url: str) -> tuple[list[Any], list[Any]]:
    connection = await asyncpg.connect(url)
    try:
        return (
            await connection.fetch(
                "SELECT c.id, c.name_sealed, k.destroyed_at FROM customers.customers c "
                "JOIN privacy.subject_keys k ON k.subject_id = c.id"
            ),
            await connection.fetch("SELECT * FROM privacy.subject_keys WHERE wrapped IS NOT NULL"),
        )
    finally:
        await connection.close()


def test_the_same_seed_draws_the_same_people() -> None:
    first, second = islice(draw_applicants(5), 2)
    (again,) = islice(draw_applicants(5), 1)
    (other,) = islice(draw_applicants(6), 1)
    assert again == first
    assert first.specimen.number not in {second.specimen.number, other.specimen.number}
    assert first.mobile != second.mobile
    # For ever, so that the story can be played in later years.
    assert first.specimen.valid_until_on is None


def test_the_command_line_knows_both_stories() -> None:
    shown = CliRunner().invoke(app, ["demo", "onboarding", "--help"])
    assert shown.exit_code == 0
    assert "--seed" in shown.stdout
    assert "onboarding" in CliRunner().invoke(app, ["demo", "--help"]).stdout


def test_options_of_the_day_are_not_silently_left_out() -> None:
    refused = CliRunner().invoke(app, ["demo", "--url", "http://127.0.0.1:1", "onboarding"])
    assert refused.exit_code == 2
    assert "takes its options after itself" in refused.output
