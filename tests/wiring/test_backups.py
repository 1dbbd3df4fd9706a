"""A backup is the database at one instant, and comes back whole or not at all."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from huitong import ledger
from huitong.kernel import audit, audit_chain
from huitong.kernel.backup import (
    BackupDamaged,
    BackupFault,
    DatabaseNotEmpty,
    DumpFailed,
    RecoveryKey,
    WrongRecoveryKey,
)
from huitong.kernel.database import embedded
from huitong.kernel.database.unit_of_work import Database, UnitOfWork, find_sql_state
from huitong.kernel.ids import uuid7
from huitong.kernel.settings import Settings
from huitong.ledger.accounts import NewAccount, open_accounts
from huitong.wiring.backups import (
    MadeBackup,
    back_up,
    check_backup,
    restore,
    running_database,
)
from huitong.wiring.platform import PlatformCannotStart, _only_one

_NOW = datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC)
_KEY = RecoveryKey(bytes(range(32)))
_ROLE = "huitong_app"


def no_progress(_step: str, _done: int, _total: int | None) -> None:
    pass


def settings_for(home: Path, url: str) -> Settings:
    home.mkdir(exist_ok=True)
    return Settings(home=home).with_database(owner_url=url, app_role=_ROLE)


def make_backup(settings: Settings, path: Path, **options: Any) -> MadeBackup:
    options = {"now": _NOW, "on_progress": no_progress, **options}
    return back_up(settings, path, _KEY, **options)


class Books:
    """Two accounts, and money that goes from one to the other."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.pair: list[ledger.Account] = []

    async def open(self) -> None:
        new = [
            NewAccount(chart_code=code, currency="CNY", name=f"名字 {code} '\\\t\n\"", limits=None)
            for code in ("1011", "2011.01")
        ]
        self.pair = await self.database.run(lambda uow: open_accounts(uow, new))

    async def pay(self, count: int = 1) -> None:
        cash, customer = self.pair
        transfers = [
            ledger.Transfer(
                id=uuid7(),
                debit_account_id=cash.id,
                credit_account_id=customer.id,
                amount=amount,
                currency="CNY",
                code=ledger.TransferCode.TRANSFER,
                effective_on=date(2026, 3, 2),
            )
            for amount in range(1, count + 1)
        ]
        requests = [ledger.Request(ledger.Entry((transfer,))) for transfer in transfers]
        now = datetime.now(UTC)
        await self.database.run(lambda uow: ledger.post_entries(uow, requests, now=now))

    async def record(self) -> uuid.UUID:
        async def command(uow: UnitOfWork) -> uuid.UUID:
            details = {"text": "\\N \t\n\r é 汉字 \U0001f4b4 '\"", "none": None}
            return await audit.record(uow, action="test.do", subject="x", details=details)

        return await self.database.run(command)


@pytest.fixture
async def books(database: Database) -> Books:
    books = Books(database)
    await books.open()
    await books.pay(40)
    await books.record()
    await books.record()
    await ledger.project_all(database)
    await books.pay(3)
    await database.run(audit_chain.seal_records)
    await books.record()
    return books


@pytest.fixture
def empty_url(server: Any) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    server.run(f"CREATE DATABASE {name}")
    yield server.database_url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


def read_tables(url: str) -> dict[str, bytes]:
    """Return every table's rows as COPY writes them, in order, and every sequence."""
    found: dict[str, bytes] = {}
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
            "WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema' ORDER BY 1"
        ).fetchall()
        for (name,) in names:
            rows = f'SELECT * FROM {name} t ORDER BY t::text COLLATE "C"'
            if name == "ledger.projection":
                # The fence belongs to the server that it was set on.
                rows = "SELECT only_one, sequence FROM ledger.projection"
            with connection.cursor().copy(f"COPY ({rows}) TO STDOUT") as copy:
                found[name] = b"".join(bytes(block) for block in copy)
        for name, value in connection.execute(
            "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
        ).fetchall():
            found[name] = str(value).encode()
    return found


def count_objects(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        ).fetchone()
    assert row is not None
    return int(row[0])


async def find_differences(url: str) -> tuple[Any, int]:
    async with Database(url, role=_ROLE) as database:
        report = await ledger.verify_ledger(database)
        trail = await audit_chain.verify_audit(database, audit_chain.Trust())
    return report, trail.count


async def test_everything_comes_back_byte_for_byte_and_the_books_tie(
    books: Books, owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    source = settings_for(tmp_path / "source", owner_url)
    made = await asyncio.to_thread(make_backup, source, tmp_path / "out" / "b.backup")
    before = read_tables(owner_url)

    target = settings_for(tmp_path / "target", empty_url)
    restored = await asyncio.to_thread(restore, target, made.path, _KEY, on_progress=no_progress)

    after = read_tables(empty_url)
    assert after == before
    assert sum(map(bool, before.values())) > 12
    assert restored.script_bytes == made.script_bytes > 10_000
    report, trail_differences = await find_differences(empty_url)
    assert (report.is_clean, report.transfers, trail_differences) == (True, 43, 0)
    async with Database(empty_url, role=_ROLE) as database, database.unit_of_work() as uow:
        newest = (await audit.list_records(uow))[0]
    assert (newest.actor, newest.action, newest.subject) == (
        "cli",
        "kernel.make_backup",
        "b.backup",
    )
    assert newest.details == {"key_id": _KEY.id, "with_keys": False}


async def test_a_restored_platform_goes_on(
    books: Books, owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(owner_url) as connection:
        # As on a server that has given out many more transaction ids than the new one.
        connection.execute("UPDATE ledger.projection SET fence_xid = '4000000000000'")
    made = await asyncio.to_thread(
        make_backup, settings_for(tmp_path / "a", owner_url), tmp_path / "b.backup"
    )
    target = settings_for(tmp_path / "target", empty_url)
    await asyncio.to_thread(restore, target, made.path, _KEY, on_progress=no_progress)

    async with Database(empty_url, role=_ROLE) as database:
        # Writers that take turns, as in a platform that is never idle: a new fence is set while
        # the first one is open, and passed while the second one is.
        async with database.unit_of_work() as uow:
            await uow.execute("UPDATE kernel.audit_head SET size = size")
            assert await ledger.project_all(database) == 0
        async with database.unit_of_work() as uow:
            await uow.execute("UPDATE kernel.audit_head SET size = size")
            assert await ledger.project_all(database) == 6
        again = Books(database)
        again.pair = books.pair
        await again.pay(5)
        await again.record()
        await ledger.project_all(database)
        assert await database.run(audit_chain.seal_records) == 3
    report, trail_differences = await find_differences(empty_url)
    assert (report.is_clean, report.transfers, trail_differences) == (True, 48, 0)


async def test_a_backup_that_is_made_while_payments_go_on_ties(
    books: Books, owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    done = asyncio.Event()
    paid = 0

    async def pay() -> None:
        nonlocal paid
        while not done.is_set():
            await books.pay(7)
            paid += 7
            await ledger.project_all(books.database)

    paying = [asyncio.create_task(pay()) for _ in range(2)]
    made = await asyncio.to_thread(
        make_backup, settings_for(tmp_path / "a", owner_url), tmp_path / "b.backup"
    )
    done.set()
    await asyncio.gather(*paying)

    target = settings_for(tmp_path / "target", empty_url)
    await asyncio.to_thread(restore, target, made.path, _KEY, on_progress=no_progress)
    report, _ = await find_differences(empty_url)
    assert report.is_clean
    assert 43 <= report.transfers <= 43 + paid
    assert paid > 0


@pytest.fixture
def backup_file(books: Books, owner_url: str, tmp_path: Path) -> Path:
    return make_backup(settings_for(tmp_path / "a", owner_url), tmp_path / "b.backup").path


@pytest.fixture
def refuses(empty_url: str, tmp_path: Path) -> Callable[..., BackupFault]:
    """Try to restore a file, see that it is refused and that nothing was changed."""

    def refuses(path: Path, key: RecoveryKey = _KEY) -> BackupFault:
        with pytest.raises(BackupFault) as caught:
            restore(settings_for(tmp_path / "t", empty_url), path, key, on_progress=no_progress)
        assert count_objects(empty_url) == 0
        assert list((tmp_path / "t").iterdir()) == []
        return caught.value

    return refuses


def test_a_wrong_key_is_refused(backup_file: Path, refuses: Callable[..., BackupFault]) -> None:
    assert isinstance(refuses(backup_file, RecoveryKey.generate()), WrongRecoveryKey)


@pytest.mark.parametrize("share", [0.0, 0.004, 0.3, 0.6, 0.9, 0.999999])
def test_a_flipped_byte_is_refused_before_anything_is_changed(
    backup_file: Path, refuses: Callable[..., BackupFault], share: float
) -> None:
    data = bytearray(backup_file.read_bytes())
    data[int(share * len(data))] ^= 0x10
    backup_file.write_bytes(data)
    refuses(backup_file)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99999])
def test_a_truncated_file_is_refused(
    backup_file: Path, refuses: Callable[..., BackupFault], share: float
) -> None:
    data = backup_file.read_bytes()
    backup_file.write_bytes(data[: int(share * len(data))])
    assert isinstance(refuses(backup_file), BackupDamaged)


def test_what_is_not_there_or_no_backup_is_refused(
    tmp_path: Path, refuses: Callable[..., BackupFault]
) -> None:
    assert "No such file" in refuses(tmp_path / "missing").detail
    (tmp_path / "letter").write_text("dear reader")
    assert isinstance(refuses(tmp_path / "letter"), BackupDamaged)


def test_a_backup_of_a_newer_schema_is_refused(
    backup_file: Path, refuses: Callable[..., BackupFault], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huitong.wiring.backups.list_revisions", lambda _phase: {"0001"})
    assert "does not know" in refuses(backup_file).detail


def test_a_database_that_is_not_empty_is_refused_and_left_alone(
    backup_file: Path, owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    before = read_tables(owner_url)
    with pytest.raises(DatabaseNotEmpty):
        restore(settings_for(tmp_path / "t", owner_url), backup_file, _KEY, on_progress=no_progress)
    assert read_tables(owner_url) == before
    with psycopg.connect(empty_url) as connection:
        connection.execute("CREATE TABLE mine (x int)")
    with pytest.raises(DatabaseNotEmpty):
        restore(settings_for(tmp_path / "t", empty_url), backup_file, _KEY, on_progress=no_progress)


def test_damage_that_appears_after_the_check_changes_nothing(
    backup_file: Path, empty_url: str, tmp_path: Path
) -> None:
    def damage(step: str, _done: int, _total: int | None) -> None:
        if step == "check":
            size = backup_file.stat().st_size
            with backup_file.open("r+b") as file:
                file.seek(size - 20)
                file.write(b"damage")

    with pytest.raises(BackupDamaged):
        restore(settings_for(tmp_path / "t", empty_url), backup_file, _KEY, on_progress=damage)
    assert count_objects(empty_url) == 0


def test_a_script_that_fails_at_its_end_changes_nothing(
    backup_file: Path, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huitong.ledger.AFTER_RESTORE", "SELECT 1/0;")
    with pytest.raises(DumpFailed, match=r"division by zero.*Nothing was changed"):
        restore(settings_for(tmp_path / "t", empty_url), backup_file, _KEY, on_progress=no_progress)
    assert count_objects(empty_url) == 0


def test_a_dump_that_dies_on_the_way_leaves_no_file(
    books: Books, owner_url: str, tmp_path: Path
) -> None:
    fill(owner_url, 100_000)

    def kill_dump(_step: str, _done: int, _total: int | None) -> None:
        for child in psutil.Process().children():
            if child.name() == "pg_dump":
                child.kill()

    with pytest.raises(DumpFailed, match="pg_dump failed"):
        make_backup(
            settings_for(tmp_path / "a", owner_url), tmp_path / "b.backup", on_progress=kill_dump
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_never_overwrites_a_file_and_keeps_it_for_its_owner(
    backup_file: Path, owner_url: str, tmp_path: Path
) -> None:
    before = backup_file.read_bytes()
    with pytest.raises(BackupFault, match="never overwrites"):
        make_backup(settings_for(tmp_path / "a", owner_url), backup_file)
    assert backup_file.read_bytes() == before
    assert stat.S_IMODE(backup_file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b.backup"]


def test_a_database_that_cannot_be_reached_leaves_no_file_and_tells_no_password(
    tmp_path: Path,
) -> None:
    url = "postgresql://postgres:s3cret-word@127.0.0.1:1/postgres"
    with pytest.raises(Exception, match="refused") as caught:
        make_backup(settings_for(tmp_path / "a", url), tmp_path / "b.backup")
    assert "s3cret-word" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_the_password_is_on_no_command_line(
    books: Books, owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = subprocess.Popen

    def spy(arguments: list[Any], **options: Any) -> Any:
        seen.extend(map(str, arguments))
        assert "HUITONG_BACKUP_KEY" not in options["env"]
        return real(arguments, **options)

    monkeypatch.setenv("HUITONG_BACKUP_KEY", _KEY.show())
    monkeypatch.setattr("huitong.kernel.backup.programs.Popen", spy)
    make_backup(settings_for(tmp_path / "a", owner_url), tmp_path / "b.backup")
    password = psycopg.conninfo.conninfo_to_dict(owner_url)["password"]
    assert seen
    assert not [argument for argument in seen if str(password) in argument]


def test_keys_are_in_it_only_when_asked_for_and_come_back_private(
    books: Books, owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    source = settings_for(tmp_path / "a", owner_url)
    (source.home / "keys").mkdir()
    (source.home / "keys" / "master.json").write_text("the master key")
    without = make_backup(source, tmp_path / "without.backup")
    made = make_backup(source, tmp_path / "with.backup", with_keys=True)
    contents = check_backup(without.path, _KEY, on_progress=no_progress)
    assert (dict(contents.manifest.key_files), without.header.has_keys) == ({}, False)

    other = settings_for(tmp_path / "other", empty_url)
    (other.home / "keys").mkdir()
    (other.home / "keys" / "master.json").write_text("another key")
    with pytest.raises(BackupFault, match="another key"):
        restore(other, made.path, _KEY, on_progress=no_progress)
    assert count_objects(empty_url) == 0

    target = settings_for(tmp_path / "target", empty_url)
    restored = restore(target, made.path, _KEY, on_progress=no_progress)
    key_file = target.home / "keys" / "master.json"
    assert restored.key_files == ("master.json",)
    assert key_file.read_text() == "the master key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


def test_keys_are_taken_out_again_when_the_data_do_not_come(
    books: Books, owner_url: str, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = settings_for(tmp_path / "a", owner_url)
    (source.home / "keys").mkdir()
    (source.home / "keys" / "master.json").write_text("the master key")
    made = make_backup(source, tmp_path / "b.backup", with_keys=True)
    monkeypatch.setattr("huitong.ledger.AFTER_RESTORE", "SELECT 1/0;")
    target = settings_for(tmp_path / "target", empty_url)
    with pytest.raises(DumpFailed):
        restore(target, made.path, _KEY, on_progress=no_progress)
    assert list((target.home / "keys").iterdir()) == []


def command_environment(home: Path, url: str | None) -> dict[str, str]:
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("HUITONG_")}
    more = {} if url is None else {"HUITONG_DATABASE_URL": url}
    return {
        **inherited, "HUITONG_HOME": str(home), "HUITONG_BACKUP_KEY": _KEY.show(), **more
    }  # fmt: skip


def launch(home: Path, url: str | None, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "huitong.cli", *arguments],
        env=command_environment(home, url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(home: Path, url: str | None, *arguments: str) -> tuple[int, str]:
    process = launch(home, url, *arguments)
    output = process.communicate(timeout=300)[0]
    return process.returncode, output


def fill(url: str, rows: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO kernel.replies (scope, key, fingerprint, status, body, expires_at) "
            "SELECT 'test', n::text, sha256(int8send(n)), 200, sha512(int8send(n)), now() "
            "FROM generate_series(1, %s) n",
            (rows,),
        )


def test_a_backup_that_is_killed_leaves_no_backup(
    books: Books, owner_url: str, tmp_path: Path
) -> None:
    fill(owner_url, 300_000)
    path, unfinished = tmp_path / "b.backup", tmp_path / "b.backup.unfinished"
    process = launch(tmp_path / "a", owner_url, "backup", "--to", str(path))
    deadline = time.monotonic() + 60
    while not (unfinished.exists() and unfinished.stat().st_size > 500_000):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    assert not path.exists()
    with pytest.raises(BackupDamaged):
        check_backup(unfinished, _KEY, on_progress=no_progress)
    code, output = run(tmp_path / "a", owner_url, "backup", "--to", str(path))
    assert code == 0, output
    assert not unfinished.exists()


def test_a_restore_that_is_killed_leaves_nothing_and_can_be_repeated(
    books: Books, owner_url: str, empty_url: str, tmp_path: Path
) -> None:
    fill(owner_url, 300_000)
    path = make_backup(settings_for(tmp_path / "a", owner_url), tmp_path / "b.backup").path
    process = launch(tmp_path / "t", empty_url, "restore", str(path))
    with psycopg.connect(empty_url, autocommit=True) as connection:
        deadline = time.monotonic() + 60
        while not connection.execute(
            "SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 1000 "
            "AND datname = current_database()"
        ).fetchone():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    code, output = run(tmp_path / "t", empty_url, "restore", str(path))
    assert code == 0, output
    assert "The ledger is right" in output
    before, after = read_tables(owner_url), read_tables(empty_url)
    # The restore itself is recorded, and waits to be sealed.
    for name in ("kernel.audit", "kernel.audit_unsealed"):
        assert len(after.pop(name).splitlines()) == len(before.pop(name).splitlines()) + 1
    assert after == before


@pytest.fixture
def homes() -> Iterator[tuple[Path, Path]]:
    """Two homes for embedded databases, which are stopped afterwards.

    Not under pytest's own folder: each run that starts closes it to the database's user.
    """
    with tempfile.TemporaryDirectory(prefix="huitong-test-") as folder:
        Path(folder).chmod(0o755)
        pair = Path(folder) / "one", Path(folder) / "two"
        yield pair
        for home in pair:
            embedded.stop(home)


def test_a_home_is_backed_up_and_restored_with_the_commands(
    homes: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = homes
    assert run(one, None, "backup")[0] == 1
    embedded.start(one)
    assert run(one, None, "migrate")[0] == 0
    embedded.stop(one)

    code, output = run(one, None, "backup", "--to", str(tmp_path / "b.backup"))
    assert code == 0, output
    assert "without the keys of the home" in output
    assert not embedded.status(one).is_running
    code, output = run(two, None, "restore", str(tmp_path / "b.backup"))
    assert code == 0, output
    assert "The ledger is right" in output
    assert not embedded.status(two).is_running
    code, output = run(two, None, "restore", str(tmp_path / "b.backup"))
    assert code == 1
    assert "There are tables in the database already" in output


async def test_a_backup_of_one_owner_is_restored_under_another(
    backup_file: Path, homes: tuple[Path, Path]
) -> None:
    home = homes[0]
    home.mkdir()
    await asyncio.to_thread(
        restore, Settings(home=home), backup_file, _KEY, on_progress=no_progress
    )
    running = await asyncio.to_thread(embedded.start, home)
    async with Database(running.app_url) as database:
        assert (await ledger.verify_ledger(database)).is_clean
        # The application may do there what it might here, and no more.
        await Books(database).record()
        assert await database.run(audit_chain.seal_records) == 3
        for statement in ("UPDATE ledger.transfers SET amount = 1", "DROP TABLE kernel.audit"):
            with pytest.raises(DBAPIError) as refused:
                async with database.unit_of_work() as uow:
                    await uow.execute(statement)
            assert find_sql_state(refused.value) == "42501"
    with psycopg.connect(running.owner_url) as connection:
        owners = connection.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('kernel', 'ledger')"
        ).fetchall()
    assert owners == [("huitong_owner",)]


def test_a_platform_does_not_start_while_its_database_is_only_borrowed(
    homes: tuple[Path, Path],
) -> None:
    settings = Settings(home=homes[0], port=8123)
    with running_database(settings, is_made=True) as running:
        assert embedded.status(homes[0]).is_running
        assert running.database_owner_url
        with pytest.raises(PlatformCannotStart), _only_one(settings):
            pass
    assert not embedded.status(homes[0]).is_running
    with _only_one(settings) as had_crashed, running_database(settings):
        assert had_crashed is False
    assert embedded.status(homes[0]).is_running


async def test_no_partition_is_wanted_while_a_backup_holds_the_journal(
    books: Books, owner_url: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    await asyncio.to_thread(
        make_backup, settings_for(tmp_path / "a", owner_url), tmp_path / "b.backup", now=now
    )
    next_month = (now.replace(day=28) + timedelta(days=5)).replace(day=1)
    async with books.database.unit_of_work() as uow:
        assert await ledger.add_partitions(uow, now=next_month) == ()


def test_a_new_key_is_shown_once_or_written_outside_the_home(tmp_path: Path) -> None:
    code, output = run(tmp_path / "home", None, "backup", "--new-key")
    assert code == 0
    key = RecoveryKey.parse(output.splitlines()[0], field="k")
    assert key.id in output.splitlines()[1]

    inside, outside = tmp_path / "home" / "key", tmp_path / "key"
    assert run(tmp_path / "home", None, "backup", "--new-key", "--key-file", str(inside))[0] == 1
    code, output = run(tmp_path / "home", None, "backup", "--new-key", "--key-file", str(outside))
    assert code == 0
    written = outside.read_text()
    assert RecoveryKey.parse(written, field="k").id in output
    assert written.strip() not in output
    assert stat.S_IMODE(outside.stat().st_mode) == 0o600
    assert run(tmp_path / "home", None, "backup", "--new-key", "--key-file", str(outside))[0] == 1
    assert outside.read_text() == written
