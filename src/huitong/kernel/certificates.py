"""Certificates of our own: a local authority and the server certificates that it signs. No files.

ECDSA on P-256 (FIPS 186-5) with SHA-256. A server certificate lives 397 days, which browsers accept
from any authority (Baseline Requirements of the CA/Browser Forum, 6.3.2: at most 398).
"""

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

_AUTHORITY_DAYS: Final = 3_650
_SERVER_DAYS: Final = 397
#: A certificate is made anew when it has no longer than this to live.
RENEWAL_DAYS: Final = 30
# A visitor's clock may be a little behind ours.
_CLOCK_SKEW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    def certificate_pem(self) -> bytes:
        """Return the certificate alone, for everybody."""
        return self.certificate.public_bytes(Encoding.PEM)

    def to_pem(self) -> bytes:
        """Return key and certificate in one text, so that one never comes without the other."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate_pem()


def make_authority(now: datetime) -> Identity:
    """Return a new authority, which can sign servers and no further authorities."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Huitong local CA {secrets.token_hex(4)}")
    certificate = (
        _begin(name, name, key, now, _AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_authority=True), critical=True)
        .sign(key, SHA256())
    )
    return Identity(certificate, key)


def make_server(authority: Identity, names: Iterable[str], now: datetime) -> Identity:
    """Return a certificate for a server with these host names and addresses, signed by `authority`.

    Raises InvalidField for a name that no host can have.
    """
    alternatives = [_read_name(name) for name in names]
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate
    key_id = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _begin(_name("Huitong"), issuer.subject, key, now, _SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False
        )
        .sign(authority.key, SHA256())
    )
    return Identity(certificate, key)


def needs_renewal(server: x509.Certificate, authority: x509.Certificate, now: datetime) -> bool:
    """Say whether a server certificate should be made anew: near its end, or of another CA."""
    try:
        server.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return True
    return not is_valid(server, now) or is_near_end(server, now)


def is_valid(certificate: x509.Certificate, now: datetime) -> bool:
    """Say whether a certificate is valid at an instant."""
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def is_near_end(certificate: x509.Certificate, now: datetime) -> bool:
    """Say whether a certificate has RENEWAL_DAYS or fewer left."""
    return certificate.not_valid_after_utc - now <= timedelta(days=RENEWAL_DAYS)


def list_names(certificate: x509.Certificate) -> set[str]:
    """Return the host names and addresses of a server certificate."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    return {*hosts, *(str(address) for address in addresses)}


def show_fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 fingerprint as people compare it: AB:CD:…"""
    return certificate.fingerprint(SHA256()).hex(":").upper()


def _begin(
    name: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    start = now.replace(microsecond=0) - _CLOCK_SKEW
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        # The last second counts, so the whole is exactly `days` long.
        .not_valid_after(start + timedelta(days=days) - timedelta(seconds=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _read_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        encoded = name.encode("idna").decode("ascii")
    except UnicodeError:
        encoded = ""
    if not 1 <= len(encoded) <= limits.HOST_NAME_LENGTH_MAX or not _is_host(encoded):
        raise InvalidField(f"{name!r} is no host name or address", field="HUITONG_TLS_NAMES")
    return x509.DNSName(encoded)


def _is_host(name: str) -> bool:
    return all(
        part and part[0] != "-" and part[-1] != "-" and part.replace("-", "a").isalnum()
        for part in name.split(".")
    )
