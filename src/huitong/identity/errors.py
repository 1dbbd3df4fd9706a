"""Why somebody is not let in, or not let do something yet.

What a stranger may meet says nothing about whether a number has a login.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from huitong.identity.types import LogInReason
from huitong.kernel.errors import Conflict, Fault, InvalidField, LimitExceeded, NotFound, Refusal
from huitong.kernel.ids import DECISION, show_id


class LogInRefused(Refusal):
    """What was sent opens nothing: wrong, unknown, used and suspended are one answer."""

    code = "log_in_refused"
    title = "These details do not log anybody in"

    def __init__(self) -> None:
        """Make the one refusal that all these cases have."""
        super().__init__("What was sent does not open a login. Check it, or start again.")


class LogInBlocked(Refusal):
    """Risk does not let this log-in through; `context` has the decision's id and its reasons."""

    code = "log_in_blocked"
    title = "This log-in was stopped"

    def __init__(self, decision_id: uuid.UUID, reasons: Sequence[LogInReason]) -> None:
        """Say why, in words for the customer."""
        super().__init__(
            "This log-in was stopped. If it was yours, try later or ask us, naming the decision.",
            context={
                "decision": show_id(DECISION, decision_id),
                "reasons": [{"zh": each.zh, "en": each.en} for each in reasons],
            },
        )


class PasskeyWanted(Refusal):
    """Risk lets this member of staff in with a passkey only; `context` says why."""

    code = "passkey_wanted"
    title = "Sign in with a passkey"

    def __init__(self, decision_id: uuid.UUID, reasons: Sequence[LogInReason]) -> None:
        """Say why, and who helps without one."""
        super().__init__(
            "This sign-in is unusual: use a passkey as the second factor. Who has none asks the "
            "operator of the platform to let them in once, naming the decision.",
            context={
                "decision": show_id(DECISION, decision_id),
                "reasons": [{"zh": each.zh, "en": each.en} for each in reasons],
            },
        )


class SessionReduced(Refusal):
    """The session may not pay, change credentials or end others yet: its log-in was unusual."""

    code = "session_reduced"
    title = "This session may not do that yet"

    def __init__(self, until: datetime) -> None:
        """Say until when."""
        super().__init__(
            "This log-in was out of the ordinary: for a time it pays nothing, changes nothing that "
            "one logs in with and ends no other session. Another session of yours may.",
            context={"until": until.isoformat()},
        )


class TooManyAttempts(LimitExceeded):
    """Too many failures in a row, of this number, this address or this PIN."""

    code = "too_many_attempts"
    title = "Too many attempts failed; wait before the next one"

    def __init__(self, retry_after_seconds: int) -> None:
        """Say how long to wait, in whole seconds."""
        super().__init__(
            "Too many attempts failed. Nothing is tried until the time is over.",
            context={"retry_after_seconds": retry_after_seconds},
        )


class CodeLimitReached(LimitExceeded):
    """So many codes were sent to this number, or asked for from this address, already."""

    code = "code_limit_reached"
    title = "No more codes are sent for now"

    def __init__(self, retry_after_seconds: int) -> None:
        """Say how long to wait, in whole seconds."""
        super().__init__(
            "Another code is not sent yet. Use the last one, or wait.",
            context={"retry_after_seconds": retry_after_seconds},
        )


class LoginNotOpened(NotFound):
    """The number was proved with a code, and there is no login for it: told to its owner only."""

    code = "login_not_opened"
    title = "The number is yours, and has no login yet"


class NumberHasLogin(Conflict):
    """The number was proved with a code, and has a login: told to its owner only."""

    code = "number_has_login"
    title = "The number is yours, and has a login already"


class NumberNotProved(InvalidField):
    """An application that began with a proved number names another one."""

    title = "The number is not the one that was proved"


class LoginNotFound(NotFound):
    """No login has this identifier."""

    code = "login_not_found"
    title = "There is no such login"


class LoginExists(Conflict):
    """The person has a login already, or the identifier belongs to another one."""

    code = "login_exists"
    title = "There is such a login already"


class MobileHasLogin(Conflict):
    """One number opens one login in each audience."""

    code = "mobile_has_login"
    title = "Another login has this mobile number"


class LoginClosed(Conflict):
    """A closed login stays closed."""

    code = "login_closed"
    title = "The login is closed"


class SessionEnded(Refusal):
    """There is no session, or it expired or was revoked."""

    code = "session_ended"
    title = "A session is needed: log in"


class SessionNotFound(NotFound):
    """The login has no such session."""

    code = "session_not_found"
    title = "There is no such session"


class DeviceNotFound(NotFound):
    """The login has no such device."""

    code = "device_not_found"
    title = "There is no such device"


class PasskeyNotFound(NotFound):
    """The login has no such passkey."""

    code = "passkey_not_found"
    title = "There is no such passkey"


class CredentialsChanged(Conflict):
    """Password, PIN or state changed while this change was being checked."""

    code = "credentials_changed"
    title = "The credentials were changed in the meantime"


class CurrentPasswordWrong(Refusal):
    """The present password is not the one that was sent."""

    code = "current_password_wrong"
    title = "The current password is not right"


class PasskeyRefused(Refusal):
    """What the authenticator sent is not a valid registration for this challenge."""

    code = "passkey_refused"
    title = "The passkey cannot be registered"


class PasskeyKnown(Conflict):
    """The authenticator's credential is registered already."""

    code = "passkey_known"
    title = "This passkey is registered already"


class TooManyPasskeys(LimitExceeded):
    """A login has as many passkeys as it may."""

    code = "too_many_passkeys"
    title = "No more passkeys fit this login"


class PinNotSet(Refusal):
    """The login has no payment PIN yet."""

    code = "pin_not_set"
    title = "No payment PIN is set"


class StepUpRequired(Refusal):
    """The act needs a factor proved anew; `context` names which ones would do."""

    code = "step_up_required"
    title = "One more proof is needed for this"

    def __init__(self, *, act: str, factors: Sequence[str], fresh_minutes: int) -> None:
        """Say which factors would do, any one of them, and how fresh it must be."""
        super().__init__(
            f"Prove one of these first: {', '.join(factors)}.",
            context={"act": act, "factors": list(factors), "fresh_minutes": fresh_minutes},
        )


class StepUpRefused(Refusal):
    """The proof is not right, too late, used, or was meant for another act."""

    code = "step_up_refused"
    title = "The proof does not hold for this act"

    def __init__(self) -> None:
        """Make the one refusal that all these cases have."""
        super().__init__("The proof is wrong, used, too old, or was for something else.")


class CodeNotDelivered(Fault):
    """The SMS gateway did not take the message; the code was voided."""

    code = "code_not_delivered"
    title = "The code could not be sent"


class HashingBusy(Fault):
    """More passwords wait to be checked than is good for anybody."""

    code = "hashing_busy"
    title = "Too many passwords are being checked"
