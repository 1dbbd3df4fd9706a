"""TLS for the API: our own certificate under `HUITONG_HOME/tls`, or one that the operator gives.

Our own comes from an authority of this home, which the operator may have browsers and programs
trust. The server's key and certificate are one file, replaced whole, so nobody ever reads halves
of two.
"""

import contextlib
import fcntl
import os
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from huitong.kernel import limits
from huitong.kernel.certificates import (
    Identity,
    is_near_end,
    is_valid,
    list_names,
    make_authority,
    make_server,
    needs_renewal,
    show_fingerprint,
)
from huitong.kernel.errors import Fault
from huitong.kernel.settings import Settings
from huitong.kernel.variables import is_loopback

_FOLDER: Final = "tls"
_AUTHORITY_FILE: Final = "ca.crt"
_FOLDER_MODE: Final = 0o700
_KEY_MODE: Final = 0o600
_CERTIFICATE_MODE: Final = 0o644
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")
_ALL_ADDRESSES: Final = ("0.0.0.0", "::")  # noqa: S104 - what is not a name of this machine
# For TLS 1.2: forward secrecy and authenticated ciphers only, as all those of TLS 1.3 are.
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


class CertificateNotUsable(Fault):
    """A certificate or its key cannot be used; the detail says why and what to do."""

    code = "certificate_not_usable"
    title = "The TLS certificate cannot be used"

    def __init__(self, detail: str) -> None:
        """Make a fault that only an operator can put right."""
        super().__init__(detail, retryable=False)


class PlainHttpRefused(Fault):
    """The API would speak plain HTTP with other machines; the detail says what to do."""

    code = "plain_http_refused"
    title = "Plain HTTP is for this machine only"

    def __init__(self, detail: str) -> None:
        """Make a fault that only an operator can put right."""
        super().__init__(detail, retryable=False)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the server's certificate and key are; `authority` is None if they were given."""

    certificate: Path
    key: Path
    authority: Path | None


def find_tls(settings: Settings, now: datetime) -> TlsFiles | None:
    """Return the files that the API serves with, made or renewed now if need be.

    None if the API speaks plain HTTP. Raises CertificateNotUsable, InvalidField.
    """
    if not settings.is_tls:
        return None
    if settings.tls_certificate is None and settings.tls_key is None:
        return _ensure_own(settings, now)
    if settings.tls_certificate is None or settings.tls_key is None:
        raise CertificateNotUsable(
            "A certificate needs its key and a key its certificate: give both --tls-cert and "
            "--tls-key, or neither for a certificate of our own."
        )
    _check_given(settings.tls_certificate, settings.tls_key, now)
    return TlsFiles(settings.tls_certificate, settings.tls_key, None)


def make_server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the context that the API serves with: TLS 1.2 or newer, HTTP/1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    load_certificate(context, files)
    return context


def load_certificate(context: ssl.SSLContext, files: TlsFiles) -> None:
    """Have a context use the files as they are now; raises CertificateNotUsable."""
    try:
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ssl.SSLError) as error:
        raise CertificateNotUsable(
            f"{files.certificate} and {files.key} cannot be used together: "
            f"{getattr(error, 'reason', None) or error.strerror or type(error).__name__}."
        ) from error


def make_client_context(settings: Settings) -> ssl.SSLContext | None:
    """Return a context in which a program on this machine trusts this platform and nobody else.

    None if the API speaks plain HTTP. A certificate that was given is trusted as it is, whatever
    its names: on this machine the platform is called 127.0.0.1.
    """
    if not settings.is_tls:
        return None
    if settings.tls_certificate is None:
        # Nothing is made here: who only calls may not know all the names of the certificate.
        authority = find_authority(settings)
        return ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
    context = ssl.create_default_context(cafile=str(settings.tls_certificate))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def find_authority(settings: Settings) -> Path:
    """Return where the certificate of this home's own authority is, once it was made."""
    return settings.home / _FOLDER / _AUTHORITY_FILE


def read_stamp(files: TlsFiles) -> tuple[tuple[int, int], ...]:
    """Return what changes when a file is replaced; zeros for one that is not there."""
    stamps = []
    for path in (files.certificate, files.key):
        try:
            found = path.stat()
        except OSError:
            stamps.append((0, 0))
        else:
            stamps.append((found.st_ino, found.st_mtime_ns))
    return tuple(stamps)


def describe_tls(files: TlsFiles) -> list[str]:
    """Return what an operator should know of the certificate."""
    certificate = _load_certificate(files.certificate)
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    if files.authority is None:
        return [f"TLS: {files.certificate}, valid until {until}."]
    authority = _load_certificate(files.authority)
    names = ", ".join(sorted(list_names(certificate)))
    return [
        f"TLS: our own certificate for {names}; until {until}, renewed by itself.",
        f"TLS: to trust it, import {files.authority} into the browser or system as an authority,",
        f"     or call with `curl --cacert {files.authority} …`.",
        f"TLS: SHA-256 of the authority: {show_fingerprint(authority)}",
    ]


def describe_serving(settings: Settings, files: TlsFiles | None) -> list[str]:
    """Return what an operator should know of how the API is served; raises PlainHttpRefused."""
    return describe_plain(settings) if files is None else describe_tls(files)


def describe_plain(settings: Settings) -> list[str]:
    """Return a warning if other machines may come by plain HTTP because the operator said so.

    Raises PlainHttpRefused if they would, and nobody said so.
    """
    is_for_others = not is_loopback(settings.host)
    if settings.is_tls or not is_for_others or settings.trusted_proxies:
        return []
    danger = f"what is sent to {settings.host} can be read and changed on its way"
    if not settings.is_plain_http_allowed:
        raise PlainHttpRefused(
            f"Without TLS {danger}, passwords and money included. Use --tls, or name the proxy "
            "that has TLS in HUITONG_TRUSTED_PROXIES. HUITONG_PLAIN_HTTP=on does without."
        )
    return [f"No TLS: {danger} (HUITONG_PLAIN_HTTP=on)."]


def _ensure_own(settings: Settings, now: datetime) -> TlsFiles:
    folder = settings.home / _FOLDER
    files = TlsFiles(folder / "server.pem", folder / "server.pem", folder / _AUTHORITY_FILE)
    try:
        folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        folder.chmod(_FOLDER_MODE)
        with _exclusive(folder):
            authority = _ensure_authority(folder, now)
            _ensure_server(files.certificate, authority, _names_of(settings), now)
    except OSError as error:
        raise CertificateNotUsable(f"{folder} cannot be used: {error.strerror}.") from error
    return files


def _names_of(settings: Settings) -> list[str]:
    if len(settings.tls_names) > limits.TLS_NAMES_MAX:
        raise CertificateNotUsable(f"A certificate has at most {limits.TLS_NAMES_MAX} more names.")
    own = () if settings.host in _ALL_ADDRESSES else (settings.host,)
    return list(dict.fromkeys((*_LOOPBACK_NAMES, *own, *settings.tls_names)))


def _ensure_authority(folder: Path, now: datetime) -> Identity:
    path = folder / "ca.pem"
    authority = _find_identity(path)
    if authority is None or is_near_end(authority.certificate, now):
        authority = make_authority(now)
        _write(path, authority.to_pem(), _KEY_MODE)
    # Beside the private file, because this one is for handing out.
    public = folder / _AUTHORITY_FILE
    if not public.exists() or public.read_bytes() != authority.certificate_pem():
        _write(public, authority.certificate_pem(), _CERTIFICATE_MODE)
    return authority


def _ensure_server(path: Path, authority: Identity, names: list[str], now: datetime) -> None:
    made = make_server(authority, names, now)
    found = _find_identity(path)
    if (
        found is None
        or needs_renewal(found.certificate, authority.certificate, now)
        or list_names(found.certificate) != list_names(made.certificate)
    ):
        _write(path, made.to_pem(), _KEY_MODE)


def _find_identity(path: Path) -> Identity | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if path.stat().st_mode & 0o077:
        # A restore or a copy often loses the mode.
        path.chmod(_KEY_MODE)
    try:
        key = load_pem_private_key(data, password=None)
        certificate = x509.load_pem_x509_certificate(data)
    except (ValueError, TypeError) as error:
        raise CertificateNotUsable(
            f"{path} is damaged. Move it away: a new one is made, which must be trusted anew."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateNotUsable(f"{path} was not made by Huitong. Move it away.")
    return Identity(certificate, key)


def _check_given(certificate_path: Path, key_path: Path, now: datetime) -> None:
    certificate = _load_certificate(certificate_path)
    if not is_valid(certificate, now):
        state = "expired on" if certificate.not_valid_after_utc < now else "is not valid before"
        instant = min(
            (certificate.not_valid_after_utc, certificate.not_valid_before_utc),
            key=lambda each: abs(now - each),
        )
        raise CertificateNotUsable(
            f"The certificate {certificate_path} {state} {instant:%Y-%m-%d %H:%M} UTC. Put a valid "
            "one in its place; until then no browser would come in."
        )
    try:
        load_pem_private_key(key_path.read_bytes(), password=None)
    except OSError as error:
        raise CertificateNotUsable(f"{key_path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise CertificateNotUsable(
            f"{key_path} holds no private key in PEM that opens without a passphrase."
        ) from error
    make_server_context(TlsFiles(certificate_path, key_path, None))


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise CertificateNotUsable(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CertificateNotUsable(f"{path} holds no certificate in PEM.") from error


@contextlib.contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Keep other processes of this home from making certificates at the same time."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file, whole or not at all; nobody reads a key before its mode is right."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
