"""The door of an API process: whom `operations` lets in, and what it is told of requests.

Names of addresses are blind indexes, as where log-ins are counted; what is logged has the network.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Final

from huitong import identity
from huitong.api.security_log import NotOwned
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField, NotFound, Refusal
from huitong.operations import Entity, EntityKind, SignalKind
from huitong.wiring.application import Application

#: The keys under which the gate, and the caller once it is known, stand in the ASGI scope.
_GATE: Final = "huitong.gate"
_CALLER: Final = "huitong.gate_caller"
_IS_COUNTED: Final = "huitong.gate_counted"
_OK: Final = 200
#: Asked by those who keep the platform running, from wherever they are.
_UNGUARDED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
#: Files that never change and lie ready: a page of an app loads many of them at once.
_FILES: Final = ("/app/assets/", "/console/assets/")
#: Public, and answered by the framework itself.
_PUBLIC: Final = frozenset({"/openapi.json"})
#: Where channels call back: whether one is a stranger is known once its signature was read.
_SIGNED: Final = re.compile(r"/v1/channel-callbacks/[^/]+")
#: How every secret begins that an Authorization header can have.
_SECRET_PREFIXES: Final = (b"htk_", b"hts_", b"hst_", b"htu_")
_COOKIE_PREFIX: Final = b"__Host-huitong_"
#: What refusals count as, by their codes.
SIGNALS_BY_CODE: Final[Mapping[str, SignalKind]] = {
    "not_authenticated": SignalKind.BAD_CREDENTIALS,
    "code_altered": SignalKind.BAD_CREDENTIALS,
    "approval_altered": SignalKind.BAD_CREDENTIALS,
    "log_in_refused": SignalKind.LOG_IN_FAILED,
    "too_many_attempts": SignalKind.LOG_IN_FAILED,
    "code_limit_reached": SignalKind.LOG_IN_FAILED,
    "enrolment_refused": SignalKind.LOG_IN_FAILED,
    "passkey_refused": SignalKind.LOG_IN_FAILED,
    "step_up_refused": SignalKind.LOG_IN_FAILED,
    "current_password_wrong": SignalKind.LOG_IN_FAILED,
    "idempotency_key_reused": SignalKind.REUSED,
    "id_reused": SignalKind.REUSED,
    "code_used": SignalKind.REUSED,
    "rate_limited": SignalKind.LIMITED,
    "bad_request": SignalKind.MALFORMED,
    "malformed_json": SignalKind.MALFORMED,
    "body_too_large": SignalKind.MALFORMED,
    "unsupported_media_type": SignalKind.MALFORMED,
    "headers_too_large": SignalKind.MALFORMED,
}
_OF_ADDRESS: Final = frozenset({SignalKind.BAD_CREDENTIALS, SignalKind.LOG_IN_FAILED})

Scope = MutableMapping[str, Any]


class Gate:
    """The gate of one process, in front of everything."""

    def __init__(self, application: Application) -> None:
        """Take the application, whose vault is there once it has started."""
        self._application = application
        self._admission = application.admission
        self._reporter = application.reporter
        self._addresses: dict[str, Entity] = {}

    def enter(self, scope: Scope) -> None:
        """Let a request in whose caller is not known yet; raises RateLimited, CallerBlocked."""
        scope[_GATE] = self
        credential = find_credential(scope["headers"])
        if scope["method"] == "POST" and _SIGNED.fullmatch(scope["path"]):
            address = self._find_address(scope)
            if address is not None:
                self._admission.check_blocked(address.name)
        elif credential is None or scope["path"] in _PUBLIC or not _is_ours(credential):
            self.admit_stranger(scope)
        elif self._admission.has_addresses:
            address = self._find_address(scope)
            if address is not None:
                self._admission.admit_credential(address, credential)

    def admit_stranger(self, scope: Scope) -> None:
        """Let in whom nobody will come to know, by the address; raises RateLimited, CallerBlocked.

        Once for each request. Doors at which nobody is known ask for it whatever credential comes:
        otherwise any would do to get around the address's budget.
        """
        if scope.get(_IS_COUNTED) or scope["path"] in _UNGUARDED:
            return
        if scope["path"].startswith(_FILES):
            return
        address = self._find_address(scope)
        if address is not None:
            scope[_IS_COUNTED] = True
            self._admission.admit(EntityKind.ADDRESS, address.name)

    def enter_with(self, scope: Scope, credential: bytes | None) -> None:
        """Do as `enter` for a request whose Authorization header was read already."""
        if credential is None or self._admission.has_addresses:
            self.enter(scope)
        else:
            scope[_GATE] = self

    def admit(self, scope: Scope, kind: EntityKind, name: str, credential: bytes | None) -> None:
        """Let a caller in who is known now; raises RateLimited, CallerBlocked."""
        scope[_CALLER] = (kind, name)
        if credential is not None:
            self._admission.remember_credential(credential)
        self._admission.admit(kind, name)

    def check_challenge(self, scope: Scope) -> None:
        """Refuse a log-in by password alone from where many failed; raises ChallengeRequired."""
        address = self._find_address(scope)
        if address is not None:
            self._admission.check_challenge(address)

    def note_refusal(self, refusal: Refusal, scope: Scope) -> None:
        """Count a refusal that may be a part of an attack."""
        kind = find_signal(refusal)
        if kind is None:
            return
        if kind is SignalKind.BAD_CREDENTIALS and not _has_new_credential(refusal, scope):
            return
        entity = self._find_address(scope) if kind in _OF_ADDRESS else self._find_entity(scope)
        if entity is not None:
            about = scope["path"].encode() if kind is SignalKind.NOT_FOUND else None
            self._reporter.note(kind, entity, about=about)

    def note_guess(self, scope: Scope) -> None:
        """Count a token that never opened anything."""
        address = self._find_address(scope)
        if address is not None:
            self._reporter.note(SignalKind.BAD_CREDENTIALS, address)

    def note_missing(self, scope: Scope, what: str) -> None:
        """Count that a caller named something that does not exist, in the body of a request."""
        entity = self._find_entity(scope)
        if entity is not None:
            self._reporter.note(SignalKind.NOT_FOUND, entity, about=what.encode())

    def note_answer(self, scope: Scope, status: int) -> None:
        """Count that a caller was shown a thing, or a further page of a list."""
        if status != _OK or scope["method"] != "GET" or _CALLER not in scope:
            return
        about: bytes = scope["path"].encode()
        if "{" not in getattr(scope.get("route"), "path", ""):
            query: bytes = scope["query_string"]
            if b"cursor=" not in query:
                return
            about += b"?" + query
        self._reporter.note(SignalKind.READ, Entity(*scope[_CALLER]), about=about)

    def _find_entity(self, scope: Scope) -> Entity | None:
        caller = scope.get(_CALLER)
        return self._find_address(scope) if caller is None else Entity(*caller)

    def _find_address(self, scope: Scope) -> Entity | None:
        client = scope.get("client")
        if client is None:
            # A socket of the file system: whoever may open it is not told apart.
            return None
        known = self._addresses.get(client[0])
        if known is None:
            known = self._name_address(client[0])
            if known is not None:
                if len(self._addresses) >= limits.WATCHED_ADDRESSES_MAX:
                    self._addresses.clear()
                self._addresses[client[0]] = known
        return known

    def _name_address(self, host: str) -> Entity | None:
        if not self._application.is_running:
            # Without keys nothing can be named, and health is asked for before there are any.
            return None
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return None
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        client = identity.Client(address=address)
        index = identity.index_address(self._application.vault, client)
        return Entity(EntityKind.ADDRESS, f"adr_{index.hex()[:32]}", str(client.network))


def kind_of_key(key: identity.ApiKey) -> EntityKind:
    """Return whose key it is: the bank's own systems' without a merchant."""
    return EntityKind.SYSTEM_KEY if key.merchant_id is None else EntityKind.API_KEY


def gate_of(scope: Scope) -> Gate | None:
    """Return the gate that a request came through; None in an application without one."""
    found: Gate | None = scope.get(_GATE)
    return found


def note_refusal(refusal: Refusal, scope: Scope) -> None:
    """Tell the gate that a request came through of a refusal."""
    gate = gate_of(scope)
    if gate is not None:
        gate.note_refusal(refusal, scope)


def admit(scope: Scope, kind: EntityKind, name: str) -> None:
    """Let in a caller whom the application came to know; raises RateLimited, CallerBlocked."""
    gate = gate_of(scope)
    if gate is not None:
        gate.admit(scope, kind, name, find_credential(scope["headers"]))


def admit_stranger(scope: Scope) -> None:
    """Let in whom nobody will come to know; raises RateLimited, CallerBlocked."""
    gate = gate_of(scope)
    if gate is not None:
        gate.admit_stranger(scope)


def note_guess(scope: Scope) -> None:
    """Tell the gate that a request came through of a token that never opened anything."""
    gate = gate_of(scope)
    if gate is not None:
        gate.note_guess(scope)


def check_challenge(scope: Scope) -> None:
    """Refuse a log-in by password alone from where many failed; raises ChallengeRequired."""
    gate = gate_of(scope)
    if gate is not None:
        gate.check_challenge(scope)


def find_credential(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the header that says who calls: an Authorization, or a cookie of ours."""
    for name, value in headers:
        if name == b"authorization" or (name == b"cookie" and _COOKIE_PREFIX in value):
            return value
    return None


def find_signal(refusal: Refusal) -> SignalKind | None:
    """Return what a refusal counts as, or None for one of business."""
    kind = SIGNALS_BY_CODE.get(refusal.code)
    if kind is not None:
        return kind
    if isinstance(refusal, NotFound) or isinstance(refusal.__cause__, NotOwned):
        return SignalKind.NOT_FOUND
    if refusal.code == "route_not_found":
        return SignalKind.NOT_FOUND
    return SignalKind.MALFORMED if isinstance(refusal, InvalidField) else None


def _has_new_credential(refusal: Refusal, scope: Scope) -> bool:
    # Of the many behind one address some come back with a session that is over: that is no try.
    # Tokens that never opened one are counted where they are looked up, by `note_guess`.
    is_customers = isinstance(refusal.__cause__, identity.SessionEnded)
    return not is_customers and find_credential(scope["headers"]) is not None


def _is_ours(credential: bytes) -> bool:
    """Say whether a credential can be one of ours; others are none, and get around nothing."""
    if _COOKIE_PREFIX in credential:
        return True
    scheme, _, secret = credential.partition(b" ")
    return scheme.lower() == b"bearer" and secret.strip(b" ").startswith(_SECRET_PREFIXES)
