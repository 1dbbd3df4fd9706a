"""HTTPS with a certificate of our own or one that is given: whoever trusts our CA comes in."""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from huitong.cli.serve import _watch_certificate
from huitong.kernel.certificates import list_names, make_authority, make_server
from huitong.kernel.database import embedded
from huitong.kernel.errors import InvalidField
from huitong.kernel.settings import Settings
from huitong.wiring.platform import _keep_certificate
from huitong.wiring.tls import (
    CertificateNotUsable,
    PlainHttpRefused,
    TlsFiles,
    describe_plain,
    describe_tls,
    find_tls,
    load_certificate,
    make_client_context,
    make_server_context,
    read_stamp,
)
from huitong.wiring.trial import is_ready

_NOW = datetime.now(UTC).replace(microsecond=0)
_HSTS = "max-age=31536000; includeSubDomains"


def settings_for(home: Path, **more: Any) -> Settings:
    return Settings(home=home, is_tls=True, **more)


def make_files(home: Path, now: datetime = _NOW, **more: Any) -> TlsFiles:
    files = find_tls(settings_for(home, **more), now)
    assert files is not None
    return files


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_plain_http_needs_no_files(tmp_path: Path) -> None:
    assert find_tls(Settings(home=tmp_path), _NOW) is None
    assert make_client_context(Settings(home=tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_this_machine_may_come_by_plain_http(tmp_path: Path, host: str) -> None:
    assert describe_plain(Settings(home=tmp_path, host=host)) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "pay.bank.example"])
def test_other_machines_come_by_tls_or_through_a_proxy_unless_told_otherwise(
    tmp_path: Path, host: str
) -> None:
    plain = Settings(home=tmp_path, host=host)
    with pytest.raises(PlainHttpRefused, match="HUITONG_PLAIN_HTTP=on"):
        describe_plain(plain)
    assert describe_plain(replace(plain, is_tls=True)) == []
    assert describe_plain(replace(plain, trusted_proxies=("192.0.2.1",))) == []
    (line,) = describe_plain(replace(plain, is_plain_http_allowed=True))
    assert host in line


@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_process_that_would_serve_others_in_plain_does_not_start(
    tmp_path: Path, command: str
) -> None:
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("HUITONG_")}
    finished = subprocess.run(
        [sys.executable, "-m", "huitong.cli", command, "--host", "0.0.0.0", "--port", "8998"],
        env={**inherited, "HUITONG_HOME": str(tmp_path / "home"), "COLUMNS": "500"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert finished.returncode == 1
    assert "Use --tls" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "home" / "postgres").exists()


def test_makes_an_authority_and_a_server_for_this_machine(tmp_path: Path) -> None:
    files = make_files(tmp_path, host="0.0.0.0", tls_names=("pay.example.com", "192.0.2.7"))
    assert files.authority is not None
    server, authority = load(files.certificate), load(files.authority)
    names = {"localhost", "127.0.0.1", "::1", "pay.example.com", "192.0.2.7"}
    assert list_names(server) == names
    server.verify_directly_issued_by(authority)
    life = server.not_valid_after_utc - server.not_valid_before_utc
    assert timedelta(days=396) < life < timedelta(days=397)
    assert server.public_key().curve.name == "secp256r1"  # type: ignore[union-attr]
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (
        True, True, 0,
    )  # fmt: skip
    text = "\n".join(describe_tls(files))
    assert str(files.authority) in text
    assert all(name in text for name in names)


def test_keeps_keys_for_their_owner_only_and_closes_those_that_were_opened(tmp_path: Path) -> None:
    make_files(tmp_path)
    folder = tmp_path / "tls"
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "ca.pem": 0o600, "ca.crt": 0o644, "server.pem": 0o600,
    }  # fmt: skip
    assert b"PRIVATE" not in (folder / "ca.crt").read_bytes()
    folder.chmod(0o755)
    for name in ("ca.pem", "server.pem"):
        (folder / name).chmod(0o644)
    make_files(tmp_path)
    assert (mode(folder), mode(folder / "ca.pem"), mode(folder / "server.pem")) == (
        0o700, 0o600, 0o600,
    )  # fmt: skip


def test_renews_when_due_and_not_before(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    first, ca = files.certificate.read_bytes(), (tmp_path / "tls" / "ca.crt").read_bytes()
    make_files(tmp_path, _NOW + timedelta(days=366))
    assert files.certificate.read_bytes() == first

    for days in (368, 4_000):
        later = _NOW + timedelta(days=days)
        make_files(tmp_path, later)
        renewed = load(files.certificate)
        assert files.certificate.read_bytes() != first
        assert renewed.not_valid_after_utc > later + timedelta(days=390)
        is_same_authority = (tmp_path / "tls" / "ca.crt").read_bytes() == ca
        assert is_same_authority == (days == 368)
        renewed.verify_directly_issued_by(load(tmp_path / "tls" / "ca.crt"))


def test_makes_a_new_certificate_when_names_change_and_keeps_it_otherwise(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    first = files.certificate.read_bytes()
    make_files(tmp_path, tls_names=("pay.example.com",))
    second = files.certificate.read_bytes()
    assert "pay.example.com" in list_names(load(files.certificate))
    make_files(tmp_path, tls_names=("pay.example.com",))
    assert files.certificate.read_bytes() == second != first


@pytest.mark.parametrize("name", ["", "a b", "-a.example", "a..b", "a/b", "x" * 300])
def test_refuses_a_name_that_no_host_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidField):
        make_files(tmp_path, tls_names=(name,))


def test_says_what_to_do_about_a_damaged_file(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    files.certificate.write_text("damage")
    with pytest.raises(CertificateNotUsable, match=r"server\.pem is damaged\. Move it away"):
        make_files(tmp_path)


def give(folder: Path, made_at: datetime) -> dict[str, Path]:
    """Write a certificate as another authority would have made it then."""
    folder.mkdir(exist_ok=True)
    server = make_server(make_authority(made_at), ["pay.example.com"], made_at)
    pem = server.to_pem()
    (folder / "cert.pem").write_bytes(server.certificate_pem())
    (folder / "key.pem").write_bytes(pem[: pem.index(b"-----BEGIN CERT")])
    return {"tls_certificate": folder / "cert.pem", "tls_key": folder / "key.pem"}


def test_refuses_a_given_certificate_that_has_expired_or_is_not_valid_yet(tmp_path: Path) -> None:
    expired = give(tmp_path / "a", _NOW - timedelta(days=400))
    with pytest.raises(CertificateNotUsable) as caught:
        make_files(tmp_path, **expired)
    day = _NOW - timedelta(days=3, hours=1, seconds=1)
    assert f"cert.pem expired on {day:%Y-%m-%d}" in caught.value.detail
    with pytest.raises(CertificateNotUsable, match="is not valid before"):
        make_files(tmp_path, **give(tmp_path / "b", _NOW + timedelta(days=2)))


def test_refuses_half_a_pair_and_a_pair_that_does_not_fit(tmp_path: Path) -> None:
    one, other = give(tmp_path / "a", _NOW), give(tmp_path / "b", _NOW)
    assert make_files(tmp_path, **one).authority is None
    with pytest.raises(CertificateNotUsable, match="give both"):
        make_files(tmp_path, tls_certificate=one["tls_certificate"])
    with pytest.raises(CertificateNotUsable, match="cannot be used together"):
        make_files(tmp_path, **{**one, "tls_key": other["tls_key"]})
    with pytest.raises(CertificateNotUsable, match="cannot be read"):
        make_files(tmp_path, **{**one, "tls_key": tmp_path / "missing"})
    (tmp_path / "nothing").write_text("nothing")
    for name in one:
        with pytest.raises(CertificateNotUsable, match="holds no"):
            make_files(tmp_path, **{**one, name: tmp_path / "nothing"})


@contextlib.contextmanager
def answering(context: ssl.SSLContext) -> Iterator[int]:
    """Answer TLS handshakes on a free port, one after the other, while the block runs."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                with (
                    contextlib.suppress(OSError),
                    context.wrap_socket(client, server_side=True) as s,
                ):
                    s.recv(1)
                client.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def shake_hands(port: int, context: ssl.SSLContext, name: str = "127.0.0.1") -> ssl.SSLSocket:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        secured = context.wrap_socket(plain, server_hostname=name)
        secured.close()
        return secured


def trusting(path: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=None if path is None else str(path))


def test_a_running_server_takes_a_renewed_certificate_into_use(tmp_path: Path) -> None:
    files = make_files(tmp_path, _NOW - timedelta(days=396))
    context = make_server_context(files)
    stamp = read_stamp(files)
    old_ca = (tmp_path / "tls" / "ca.crt").read_bytes()
    with answering(context) as port:
        make_files(tmp_path, tls_names=("pay.example.com",))
        assert read_stamp(files) != stamp
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(port, trusting(files.authority), "pay.example.com")
        load_certificate(context, files)
        shake_hands(port, trusting(files.authority), "pay.example.com")
    assert (tmp_path / "tls" / "ca.crt").read_bytes() == old_ca


async def test_waits_for_both_halves_of_a_pair_that_is_being_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huitong.kernel.limits.TLS_WATCH_SECONDS", 0.01)
    given = give(tmp_path / "a", _NOW)
    files = make_files(tmp_path, **given)
    context = make_server_context(files)
    old = trusting_exactly(given["tls_certificate"])
    give(tmp_path / "b", _NOW)
    watching = asyncio.create_task(_watch_certificate(files, context))
    with answering(context) as port:
        await asyncio.sleep(0.1)
        (tmp_path / "b" / "cert.pem").replace(files.certificate)
        await asyncio.sleep(0.1)
        await asyncio.to_thread(shake_hands, port, old)
        (tmp_path / "b" / "key.pem").replace(files.key)
        new = trusting_exactly(files.certificate)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(shake_hands, port, new)
    assert not watching.done()
    watching.cancel()


def trusting_exactly(certificate: Path) -> ssl.SSLContext:
    """A client that trusts this one certificate, whatever its names."""
    context = trusting(certificate)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


async def test_a_platform_that_runs_for_long_renews_its_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huitong.kernel.limits.TLS_RENEWAL_CHECK_SECONDS", 0.01)
    files = make_files(tmp_path, _NOW - timedelta(days=380))
    before = read_stamp(files)
    said: list[str] = []
    keeping = asyncio.create_task(_keep_certificate(settings_for(tmp_path), said.append))
    async with asyncio.timeout(20):
        while read_stamp(files) == before:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
    assert load(files.certificate).not_valid_after_utc > _NOW + timedelta(days=390)
    (tmp_path / "tls" / "server.pem").write_text("damage")
    async with asyncio.timeout(20):
        while not said:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert "is damaged" in said[0]
    assert not keeping.done()
    keeping.cancel()


def test_up_does_not_start_with_a_certificate_that_has_expired(tmp_path: Path) -> None:
    given = give(tmp_path / "a", _NOW - timedelta(days=400))
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("HUITONG_")}
    finished = subprocess.run(
        [sys.executable, "-m", "huitong.cli", "up", "--port", "8999",
         "--tls-cert", str(given["tls_certificate"]), "--tls-key", str(given["tls_key"])],
        env={**inherited, "HUITONG_HOME": str(tmp_path / "home"), "COLUMNS": "500"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert finished.returncode == 1
    assert "expired on" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["up.lock"]


def old_client(path: Path | None) -> ssl.SSLContext:
    """A client that offers nothing newer than TLS 1.1, with all its weak ciphers."""
    context = trusting(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def test_refuses_old_protocols_and_ciphers_without_forward_secrecy(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    weak = trusting(files.authority)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256")
    with answering(make_server_context(files)) as port:
        with pytest.raises(ssl.SSLError, match="alert protocol version"):
            shake_hands(port, old_client(files.authority))
        with pytest.raises(ssl.SSLError, match="handshake failure"):
            shake_hands(port, weak)
        modern = trusting(files.authority)
        modern.maximum_version = ssl.TLSVersion.TLSv1_2
        shake_hands(port, modern)


def test_a_program_on_this_machine_trusts_a_given_certificate_as_it_is(tmp_path: Path) -> None:
    given = give(tmp_path / "a", _NOW)
    settings = settings_for(tmp_path, **given)
    files = find_tls(settings, _NOW)
    client = make_client_context(settings)
    assert files is not None
    assert client is not None
    with answering(make_server_context(files)) as port:
        shake_hands(port, client)
    other = make_server_context(make_files(tmp_path / "other", **give(tmp_path / "b", _NOW)))
    with answering(other) as port, pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(port, client)


class Running:
    """A platform that runs with `huitong up --tls --demo`."""

    def __init__(self, home: Path, port: int, output: str) -> None:
        self.home = home
        self.port = port
        self.output = output
        self.settings = replace(Settings(home=home, port=port), is_tls=True)

    def ask(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection(
            "localhost", self.port, context=trusting(self.home / "tls" / "ca.crt"), timeout=20
        )
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers.items()), answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    # Not under pytest's own folder: each run that starts closes it to the database's user.
    with tempfile.TemporaryDirectory(prefix="huitong-test-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir(mode=0o755)
        with run_platform(home) as platform:
            yield platform


@contextlib.contextmanager
def run_platform(home: Path) -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    inherited = {n: v for n, v in os.environ.items() if not n.startswith("HUITONG_")}
    environment = {**inherited, "HUITONG_HOME": str(home), "HUITONG_PORT": str(port)}
    log = home / "up.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "huitong.cli", "up", "--tls", "--demo", "--workers", "1"],
            env=environment, stdout=file, stderr=file, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while "is running at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield Running(home, port, log.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)
        embedded.stop(home)


def test_up_says_how_to_trust_it_and_seeds_the_demo(running: Running) -> None:
    assert f"is running at https://127.0.0.1:{running.port}" in running.output
    assert f"import {running.home}/tls/ca.crt" in running.output
    assert "Demo customers and merchants are there." in running.output
    assert (
        f"HUITONG_URL=https://127.0.0.1:{running.port}" in (running.home / "demo.env").read_text()
    )
    assert is_ready(
        f"https://127.0.0.1:{running.port}", context=make_client_context(running.settings)
    )


def test_the_chain_is_trusted_with_our_authority_only(running: Running) -> None:
    assert running.ask("GET", "/healthz")[0] == 200
    for path in (None, running.home.parent / "other.crt"):
        if path is not None:
            path.write_bytes(make_authority(_NOW).certificate_pem())
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(running.port, trusting(path))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(running.port, trusting(running.home / "tls" / "ca.crt"), "example.com")
    assert not is_ready(f"https://127.0.0.1:{running.port}")


def test_an_old_protocol_and_plain_http_get_no_answer(running: Running) -> None:
    # The event loop closes the connection before its alert is out, so only the failure is sure.
    with pytest.raises(ssl.SSLError):
        shake_hands(running.port, old_client(running.home / "tls" / "ca.crt"))
    assert running.ask("GET", "/healthz")[0] == 200
    assert not is_ready(f"http://127.0.0.1:{running.port}")


def test_a_connection_is_used_for_many_requests(running: Running) -> None:
    context = trusting(running.home / "tls" / "ca.crt")
    connection = http.client.HTTPSConnection("127.0.0.1", running.port, context=context, timeout=20)
    connection.connect()
    sock = connection.sock
    for _ in range(5):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.version, answer.read()) == (200, 11, b'{"status":"ok"}')
        assert connection.sock is sock
    assert isinstance(sock, ssl.SSLSocket)
    assert sock.version() == "TLSv1.3"
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/docs", 200),
        ("GET", "/healthz", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/", 405),
        ("POST", "/v1/payments", 401),
        ("GET", "/v1/customers", 401),
    ],
)
def test_every_answer_over_tls_tells_browsers_to_stay_there(
    running: Running, method: str, path: str, status: int
) -> None:
    found, headers, _ = running.ask(method, path)
    lower = {name.lower(): value for name, value in headers.items()}
    assert (found, lower.get("strict-transport-security")) == (status, _HSTS)


def test_two_processes_make_one_certificate(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC; "
        "from huitong.kernel.settings import Settings; from huitong.wiring.tls import find_tls; "
        "files = find_tls(Settings(home=Path(sys.argv[1]), is_tls=True), datetime.now(UTC)); "
        "print(hash(files.certificate.read_bytes()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            stdout=subprocess.PIPE, text=True, env=environment,
        )
        for _ in range(3)
    ]  # fmt: skip
    assert len({racer.communicate(timeout=60)[0] for racer in racers}) == 1
