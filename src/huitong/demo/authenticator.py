"""A passkey authenticator made of software: for tests and demonstrations, where no finger is.

It speaks as browsers do (W3C WebAuthn Level 3: `navigator.credentials.create` and `.get`), signs
with ES256, and can be told to misbehave.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor

_USER_PRESENT: Final = 0x01
_USER_VERIFIED: Final = 0x04
_HAS_CREDENTIAL: Final = 0x40
_ES256: Final = -7
_AAGUID: Final = bytes(16)


@dataclass(slots=True)
class SoftwareAuthenticator:
    """One authenticator in a browser at `origin`; keeps a key for each relying party.

    `counts` is False for those that always say 0, as synced passkeys do.
    """

    origin: str
    is_verifying: bool = True
    counts: bool = True
    sign_count: int = 0
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: bytes = b""

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to registration options, as JSON has it."""
        self.user_handle = base64url_to_bytes(options["user"]["id"])
        credential = (
            _AAGUID
            + len(self.credential_id).to_bytes(2)
            + self.credential_id
            + self._encode_public_key()
        )
        attestation = {
            "fmt": "none",
            "attStmt": {},
            "authData": self._make_data(options["rp"]["id"], _HAS_CREDENTIAL) + credential,
        }
        response = {
            "clientDataJSON": bytes_to_base64url(
                self._make_client_data("webauthn.create", options["challenge"])
            ),
            "attestationObject": bytes_to_base64url(encode_cbor(attestation)),
        }
        return self._answer(response)

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the signed answer to authentication options, as JSON has it."""
        if self.counts:
            self.sign_count += 1
        data = self._make_data(options["rpId"], 0)
        client_data = self._make_client_data("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": bytes_to_base64url(client_data),
            "authenticatorData": bytes_to_base64url(data),
            "signature": bytes_to_base64url(signature),
            "userHandle": bytes_to_base64url(self.user_handle),
        }
        return self._answer(response)

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        identifier = bytes_to_base64url(self.credential_id)
        return {
            "id": identifier,
            "rawId": identifier,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }

    def _make_client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps(
            {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        ).encode()

    def _make_data(self, rp_id: str, more_flags: int) -> bytes:
        flags = _USER_PRESENT | more_flags | (_USER_VERIFIED if self.is_verifying else 0)
        return (
            hashlib.sha256(rp_id.encode()).digest()
            + flags.to_bytes(1)
            + self.sign_count.to_bytes(4)
        )

    def _encode_public_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        # COSE_Key (RFC 9053): key type EC2, algorithm, curve P-256, x, y.
        return encode_cbor(
            {1: 2, 3: _ES256, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
