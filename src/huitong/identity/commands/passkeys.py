"""Passkeys: options for authenticators, registration, and the verification of signatures.

W3C Web Authentication Level 3, sections 7.1 and 7.2; the checks themselves are py_webauthn's.
User verification is required throughout, so a passkey is two factors: the device, and what
unlocks it.
"""

import binascii
import secrets
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from huitong.identity.commands.sessions import check_device_name
from huitong.identity.errors import (
    PasskeyKnown,
    PasskeyNotFound,
    PasskeyRefused,
    TooManyAttempts,
    TooManyPasskeys,
)
from huitong.identity.staff_types import StaffSession
from huitong.identity.store import passkeys as store
from huitong.identity.types import (
    Audience,
    Outcome,
    Passkey,
    PasskeyHolder,
    RelyingParty,
    Session,
    Vault,
)
from huitong.kernel import audit, limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import PASSKEY, show_id, uuid7

REGISTER: Final = "register"
#: The staff's door; `log_in` is that of logins.
SIGN_IN: Final = "sign_in"
_NAME: Final = "identity.passkeys.name"
_CHALLENGE_BYTES: Final = 32
_HOUR_SECONDS: Final = 3_600
_TIMEOUT_MILLISECONDS: Final = limits.CHALLENGE_SECONDS * 1_000
#: What the library raises, beside its own errors, for bytes that are not what they claim to be.
_MALFORMED: Final = (
    WebAuthnException,
    UnsupportedAlgorithm,
    binascii.Error,
    struct.error,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    AssertionError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyOptions:
    """What a browser hands to the authenticator, and the challenge's id for the answer."""

    challenge_id: uuid.UUID
    public_key: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What came of a signature; LOGGED_IN if it holds. `holder_id` is whose passkey it was."""

    outcome: Outcome
    audience: Audience | None = None
    holder_id: uuid.UUID | None = None


async def make_registration_options(
    uow: UnitOfWork,
    *,
    relying_party: RelyingParty,
    session: Session | StaffSession,
    user_name: str,
    now: datetime,
) -> PasskeyOptions:
    """Return options to register a passkey; `user_name` is shown by the authenticator.

    The user handle is the id of the login, or of the member of staff, which says nothing of the
    person. Raises TooManyPasskeys.
    """
    holder = session.passkey_holder
    known = await _describe_passkeys(uow, holder)
    if len(known) >= limits.PASSKEYS_PER_LOGIN_MAX:
        raise TooManyPasskeys(f"Nobody has more than {limits.PASSKEYS_PER_LOGIN_MAX} passkeys.")
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    challenge_id = await _keep_challenge(
        uow, challenge, purpose=REGISTER, audience=holder.audience, holder=holder, now=now
    )
    options = generate_registration_options(
        rp_id=relying_party.id,
        rp_name=relying_party.name,
        user_name=user_name,
        user_id=holder.id.bytes,
        challenge=challenge,
        timeout=_TIMEOUT_MILLISECONDS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=known,
    )
    return PasskeyOptions(challenge_id=challenge_id, public_key=options_to_json_dict(options))


async def make_authentication_options(
    uow: UnitOfWork,
    *,
    relying_party: RelyingParty,
    purpose: str,
    audience: Audience,
    session: Session | None,
    address_index: bytes | None = None,
    now: datetime,
) -> PasskeyOptions:
    """Return options to sign with a passkey: any one to log in, one of the login's to step up.

    To log in no credentials are named, so nobody learns which ones there are. Raises
    PasskeyNotFound for a step-up without any, TooManyAttempts for an address that asks too often.
    """
    if address_index is not None:
        await _check_address(uow, address_index, now=now)
    holder = None if session is None else session.passkey_holder
    allowed = [] if holder is None else await _describe_passkeys(uow, holder)
    if holder is not None and not allowed:
        raise PasskeyNotFound("The login has no passkey.")
    challenge = secrets.token_bytes(_CHALLENGE_BYTES)
    challenge_id = await _keep_challenge(
        uow,
        challenge,
        purpose=purpose,
        audience=audience,
        holder=holder,
        address_index=address_index,
        now=now,
    )
    options = generate_authentication_options(
        rp_id=relying_party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MILLISECONDS,
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return PasskeyOptions(challenge_id=challenge_id, public_key=options_to_json_dict(options))


async def register_passkey(
    uow: UnitOfWork,
    *,
    vault: Vault,
    relying_party: RelyingParty,
    session: Session | StaffSession,
    challenge_id: uuid.UUID,
    credential: Mapping[str, Any],
    name: str | None,
    now: datetime,
) -> Passkey:
    """Register what an authenticator made for our challenge, and return it.

    Raises PasskeyRefused, PasskeyKnown, InvalidField.
    """
    if name is not None:
        check_device_name(name)
    holder = session.passkey_holder
    taken = await store.take_challenge(uow, challenge_id, purpose=REGISTER, holder=holder, now=now)
    if taken is None:
        raise PasskeyRefused("The challenge is not known, was used, or is too old.")
    verified = _verify_registration(relying_party, credential, bytes(taken.challenge))
    passkey = Passkey(
        id=uuid7(),
        name=name,
        is_backed_up=verified.credential_backed_up,
        created_at=now,
        last_used_at=None,
    )
    if not await _insert(uow, vault, holder, passkey, verified):
        raise PasskeyKnown("This authenticator's credential is registered already.")
    await audit.record(
        uow, action="identity.register_passkey", subject=show_id(PASSKEY, passkey.id)
    )
    return passkey


async def _insert(
    uow: UnitOfWork,
    vault: Vault,
    holder: PasskeyHolder,
    passkey: Passkey,
    verified: VerifiedRegistration,
) -> bool:
    sealed = {}
    if passkey.name is not None:
        sealed = await vault.seal(uow, holder.subject_id, {_NAME: passkey.name})
    return await store.insert_passkey(
        uow,
        passkey_id=passkey.id,
        holder=holder,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=uuid.UUID(verified.aaguid),
        is_backed_up=passkey.is_backed_up,
        name_sealed=sealed.get(_NAME),
        now=passkey.created_at,
    )


def _verify_registration(
    relying_party: RelyingParty, credential: Mapping[str, Any], challenge: bytes
) -> VerifiedRegistration:
    try:
        return verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=relying_party.id,
            expected_origin=list(relying_party.origins),
            require_user_verification=True,
        )
    except _MALFORMED as error:
        raise PasskeyRefused("The authenticator's answer does not hold.") from error


async def verify_signature(
    uow: UnitOfWork,
    *,
    relying_party: RelyingParty,
    challenge_id: uuid.UUID,
    purpose: str,
    holder: PasskeyHolder | None,
    credential: Mapping[str, Any],
    now: datetime,
) -> Signature:
    """Use up a challenge and say whether the credential's signature of it holds.

    With `holder` challenge and passkey must be theirs. A counter that did not grow, under a
    signature that holds, says that there is a copy: it then opens nothing any more.
    """
    taken = await store.take_challenge(uow, challenge_id, purpose=purpose, holder=holder, now=now)
    if taken is None:
        return Signature(outcome=Outcome.EXPIRED)
    audience = Audience(taken.audience)
    row = await store.lock_passkey(
        uow, _read_credential_id(credential), is_member_of_staff=purpose == SIGN_IN
    )
    is_foreign = row is not None and holder is not None and row.holder_id != holder.id
    if row is None or is_foreign or row.audience != audience:
        return Signature(outcome=Outcome.UNKNOWN, audience=audience)
    verified = _verify_authentication(
        relying_party, credential, bytes(taken.challenge), bytes(row.public_key)
    )
    if verified is None:
        return Signature(outcome=Outcome.WRONG, audience=audience, holder_id=row.holder_id)
    count = verified.new_sign_count
    if row.sign_count >= count and (row.sign_count or count):
        await store.suspect_passkey(uow, row.id, now=now)
        await audit.record(uow, action="identity.suspect_passkey", subject=show_id(PASSKEY, row.id))
        return Signature(outcome=Outcome.CLONED_PASSKEY, audience=audience, holder_id=row.holder_id)
    await store.note_passkey_use(
        uow, row.id, sign_count=count, is_backed_up=verified.credential_backed_up, now=now
    )
    return Signature(outcome=Outcome.LOGGED_IN, audience=audience, holder_id=row.holder_id)


def _verify_authentication(
    relying_party: RelyingParty,
    credential: Mapping[str, Any],
    challenge: bytes,
    public_key: bytes,
) -> VerifiedAuthentication | None:
    try:
        return verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=relying_party.id,
            expected_origin=list(relying_party.origins),
            credential_public_key=public_key,
            # The counter is looked at by the caller, who then knows that the signature holds.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _MALFORMED:
        return None


async def list_passkeys(
    uow: UnitOfWork, *, vault: Vault, session: Session | StaffSession
) -> tuple[Passkey, ...]:
    """Return the passkeys of the session's login, or member, that open it, oldest first."""
    passkeys, holder = [], session.passkey_holder
    for row in await store.list_passkeys(uow, holder):
        name = None
        if row.name_sealed is not None:
            opened = await vault.open(uow, holder.subject_id, {_NAME: bytes(row.name_sealed)})
            name = opened[_NAME]
        passkeys.append(
            Passkey(
                id=row.id,
                name=name,
                is_backed_up=row.is_backed_up,
                created_at=row.created_at,
                last_used_at=row.last_used_at,
            )
        )
    return tuple(passkeys)


async def revoke_passkey(
    uow: UnitOfWork, *, session: Session | StaffSession, passkey_id: uuid.UUID, now: datetime
) -> None:
    """Let a passkey open nothing any more. Raises PasskeyNotFound."""
    if not await store.revoke_passkey(uow, session.passkey_holder, passkey_id, now=now):
        raise PasskeyNotFound(f"There is no passkey {show_id(PASSKEY, passkey_id)}")
    await audit.record(uow, action="identity.revoke_passkey", subject=show_id(PASSKEY, passkey_id))


async def _check_address(uow: UnitOfWork, address_index: bytes, *, now: datetime) -> None:
    count = await store.count_challenges(uow, address_index, now=now)
    if count >= limits.CHALLENGES_PER_ADDRESS_HOUR_MAX:
        raise TooManyAttempts(_HOUR_SECONDS)


async def _describe_passkeys(
    uow: UnitOfWork, holder: PasskeyHolder
) -> list[PublicKeyCredentialDescriptor]:
    rows = await store.list_passkeys(uow, holder)
    return [PublicKeyCredentialDescriptor(id=bytes(row.credential_id)) for row in rows]


async def _keep_challenge(
    uow: UnitOfWork,
    challenge: bytes,
    *,
    purpose: str,
    audience: Audience,
    holder: PasskeyHolder | None,
    address_index: bytes | None = None,
    now: datetime,
) -> uuid.UUID:
    challenge_id = uuid7()
    await store.insert_challenge(
        uow,
        challenge_id=challenge_id,
        purpose=purpose,
        audience=audience,
        challenge=challenge,
        holder=holder,
        address_index=address_index,
        now=now,
    )
    return challenge_id


def _read_credential_id(credential: Mapping[str, Any]) -> bytes:
    """Return the credential's id; no bytes, which are nobody's, if it has none."""
    given = credential.get("id")
    if not isinstance(given, str):
        return b""
    try:
        return base64url_to_bytes(given)
    except ValueError:
        return b""
