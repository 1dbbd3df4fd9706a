"""The embedded PostgreSQL starts, whatever the last run left behind, and loses nothing."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from huitong.kernel.database import embedded
from huitong.kernel.database.cluster import make_scram_verifier
from huitong.kernel.database.faults import EmbeddedDatabaseFault
from huitong.kernel.database_address import find_address


@pytest.fixture(scope="module")
def pattern_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a stopped database that holds one committed row."""
    home = tmp_path_factory.mktemp("pattern") / "home"
    database = embedded.start(home)
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("CREATE TABLE promise (amount bigint NOT NULL)")
        connection.execute("INSERT INTO promise VALUES (1050)")
        connection.execute("GRANT SELECT, INSERT ON promise TO huitong_app")
    database.stop()
    return home


@pytest.fixture
def home(pattern_home: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the pattern. A copy made by root loses its owners, as a careless restore does."""
    copy = tmp_path / "home"
    shutil.copytree(pattern_home, copy)
    yield copy
    with contextlib.suppress(EmbeddedDatabaseFault):
        embedded.stop(copy)


def read_promises(database: embedded.EmbeddedDatabase) -> list[int]:
    with psycopg.connect(database.app_url) as connection:
        rows = connection.execute("SELECT amount FROM promise ORDER BY amount").fetchall()
    return [row[0] for row in rows]


def list_servers(home: Path) -> list[psutil.Process]:
    directory = str((home / "postgres" / "data").resolve())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name() == "postgres" and process.cwd() == directory:
                found.append(process)
    return found


def kill_and_wait(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def find_pid(home: Path) -> int:
    pid = embedded.status(home).pid
    assert pid is not None
    return pid


def test_starts_stops_and_starts_again_with_its_data(home: Path) -> None:
    database = embedded.start(home)
    assert database.is_running
    assert read_promises(database) == [1050]

    database.stop()
    assert not database.is_running
    assert list_servers(home) == []

    again = embedded.start(home)
    assert again.address == database.address
    assert read_promises(again) == [1050]


def test_keeps_every_commit_on_disk_and_speaks_utf_8(home: Path) -> None:
    database = embedded.start(home)
    names = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "jit")
    with psycopg.connect(database.owner_url) as connection:
        values = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in names
        }
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale "
            "FROM pg_database WHERE datname = 'huitong'"
        ).fetchone()
    assert values == {
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "full_page_writes": ("on",),
        "data_checksums": ("on",),
        "jit": ("off",),
    }
    assert row == ("UTF8", "b", "C.UTF-8")


def test_gives_the_application_no_more_rights_than_it_was_granted(home: Path) -> None:
    database = embedded.start(home)
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, "
            "pg_has_role('huitong_app', 'huitong_owner', 'MEMBER') "
            "FROM pg_roles WHERE rolname = 'huitong_app'"
        ).fetchone()
        assert row == (False, False, False, False, False)
        for statement in ("DROP TABLE promise", "UPDATE promise SET amount = 0"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (x int)")
    assert read_promises(database) == [1050]


def test_refuses_a_wrong_password(home: Path) -> None:
    database = embedded.start(home)
    wrong = database.owner_url.replace(database.address.owner_password, "wrong")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_keeps_passwords_in_a_file_for_its_owner_only_and_out_of_the_logs(home: Path) -> None:
    (home / "database.json").chmod(0o644)
    database = embedded.start(home)
    database.stop()

    assert stat.S_IMODE((home / "database.json").stat().st_mode) == 0o600
    address = json.loads((home / "database.json").read_text())
    passwords = {value for name, value in address.items() if name.endswith("_password")}
    assert len(passwords) == 3
    logs = [path.read_text() for path in (home / "postgres" / "log").iterdir()]
    assert logs
    assert not [password for password in passwords for log in logs if password in log]
    assert not [password for password in passwords if password in repr(database)]


def test_adopts_a_server_that_already_runs(home: Path) -> None:
    first = embedded.start(home)
    pid = find_pid(home)
    second = embedded.start(home)
    assert find_pid(home) == pid
    assert second.address == first.address


def test_starts_again_after_the_server_was_killed_and_its_children_were_left(home: Path) -> None:
    database = embedded.start(home)
    connection = psycopg.connect(database.app_url, autocommit=True)
    connection.execute("INSERT INTO promise VALUES (2000)")
    os.kill(find_pid(home), signal.SIGKILL)

    again = embedded.start(home)

    assert read_promises(again) == [1050, 2000]
    with pytest.raises(psycopg.OperationalError):
        connection.execute("INSERT INTO promise VALUES (3000)")
    connection.close()
    assert read_promises(again) == [1050, 2000]


def test_starts_again_while_a_stopped_orphan_still_holds_the_shared_memory(home: Path) -> None:
    database = embedded.start(home)
    connection = psycopg.connect(database.app_url, autocommit=True)
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    # A backend that is stopped cannot notice that its server is gone: the worst kind of orphan.
    os.kill(row[0], signal.SIGSTOP)
    os.kill(find_pid(home), signal.SIGKILL)

    again = embedded.start(home)

    assert read_promises(again) == [1050]
    assert row[0] not in [process.pid for process in list_servers(home)]
    connection.close()


def test_starts_again_after_everything_was_killed_at_once(home: Path) -> None:
    database = embedded.start(home)
    with psycopg.connect(database.app_url) as connection:
        connection.execute("INSERT INTO promise VALUES (2000)")
    kill_and_wait(list_servers(home))
    assert (home / "postgres" / "data" / "postmaster.pid").exists()
    assert not embedded.status(home).is_running

    assert read_promises(embedded.start(home)) == [1050, 2000]


def test_is_not_fooled_by_a_pid_file_that_names_a_stranger(home: Path) -> None:
    database = embedded.start(home)
    kill_and_wait(list_servers(home))
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:], ""]))
        assert not database.is_running

        assert read_promises(embedded.start(home)) == [1050]
        assert stranger.poll() is None
        embedded.stop(home)
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", ["", "garbage\n", "0\n", "99999999999999999999\n"])
def test_starts_in_spite_of_a_damaged_pid_file(home: Path, content: str) -> None:
    (home / "postgres" / "data" / "postmaster.pid").write_text(content)
    assert not embedded.status(home).is_running
    assert read_promises(embedded.start(home)) == [1050]


def test_takes_another_port_when_a_stranger_has_its_own(home: Path) -> None:
    address = find_address(home)
    assert address is not None
    with socket.create_server(("127.0.0.1", address.port)):
        database = embedded.start(home)
        assert database.address.port != address.port
        assert read_promises(database) == [1050]
        assert find_address(home) == database.address


def test_runs_two_homes_side_by_side(home: Path, pattern_home: Path, tmp_path: Path) -> None:
    other_home = tmp_path / "other"
    shutil.copytree(pattern_home, other_home)
    first, second = embedded.start(home), embedded.start(other_home)
    try:
        with psycopg.connect(second.app_url) as connection:
            connection.execute("INSERT INTO promise VALUES (7)")
        assert first.address.port != second.address.port
        assert read_promises(first) == [1050]
        assert read_promises(second) == [7, 1050]
        first.stop()
        assert second.is_running
    finally:
        second.stop()


def test_starts_one_server_when_two_processes_start_it_at_once(home: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from huitong.kernel.database import embedded; "
        "embedded.start(Path(sys.argv[1])); print(embedded.status(Path(sys.argv[1])).pid)"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True
        )
        for _racer in range(2)
    ]
    pids = {int(racer.communicate(timeout=60)[0]) for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0]
    assert pids == {find_pid(home)}


def test_makes_a_new_cluster_where_one_was_left_half_finished(tmp_path: Path) -> None:
    home = tmp_path / "home"
    half = home / "postgres" / "data.unfinished-1234"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    (home / "postgres" / "data").mkdir()

    database = embedded.start(home)
    try:
        assert not half.exists()
        with psycopg.connect(database.app_url) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("huitong_app",)
    finally:
        database.stop()


def test_leaves_a_directory_alone_that_holds_something_else(tmp_path: Path) -> None:
    letter = tmp_path / "home" / "postgres" / "data" / "letter.txt"
    letter.parent.mkdir(parents=True)
    letter.write_text("dear reader")
    with pytest.raises(EmbeddedDatabaseFault, match="holds files, but no database cluster"):
        embedded.start(tmp_path / "home")
    assert letter.read_text() == "dear reader"


def test_closes_a_data_directory_that_others_could_read(home: Path) -> None:
    data_directory = home / "postgres" / "data"
    data_directory.chmod(0o777)
    assert read_promises(embedded.start(home)) == [1050]
    assert stat.S_IMODE(data_directory.stat().st_mode) == 0o700


def test_sets_new_passwords_when_the_address_file_is_lost(home: Path) -> None:
    before = embedded.start(home)
    (home / "database.json").unlink()

    after = embedded.start(home)

    assert after.address.app_password != before.address.app_password
    assert read_promises(after) == [1050]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(
            after.app_url.replace(after.address.app_password, before.address.app_password)
        )


def test_stops_nothing_in_a_home_that_does_not_exist(tmp_path: Path) -> None:
    embedded.stop(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    assert embedded.status(tmp_path / "nowhere").is_initialised is False


def test_makes_the_verifier_of_the_example_in_rfc_7677() -> None:
    # The RFC's exchange: user "user", password "pencil", 4096 iterations; its server signature
    # follows from the server key, so the key was checked against "6rriTRBi23WpRR/wtup+mMhUZUn/…".
    import base64
    import hashlib
    import hmac

    verifier = make_scram_verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    head, keys = verifier.rsplit("$", 1)
    stored_key, server_key = (base64.b64decode(part) for part in keys.split(":"))
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = (
        f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    ).encode()
    signature = hmac.digest(server_key, message, "sha256")
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_signature = hmac.digest(stored_key, message, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, client_signature, strict=True))
    assert head == "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
    assert base64.b64encode(signature) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert hashlib.sha256(client_key).digest() == stored_key
