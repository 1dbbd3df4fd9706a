"""Why a member of staff is not let in, may not do something, or cannot decide it."""

from huitong.kernel.errors import Conflict, NotFound, Refusal


class NotPermitted(Refusal):
    """The caller is known and has no right to this."""

    code = "not_permitted"
    title = "You may not do this"

    def __init__(self, permission: str) -> None:
        """Name the permission that is missing."""
        super().__init__(
            f"This needs the permission {permission}.", context={"permission": permission}
        )


class OwnRecord(Refusal):
    """A member of staff is a customer too, and does nothing with that record as staff."""

    code = "own_record"
    title = "Nobody acts on their own record"


class AmountAboveLimit(Refusal):
    """The amount is above what the role may ask for or decide."""

    code = "amount_above_limit"
    title = "The amount is above the limit of your role"


class NotOwnBranch(Refusal):
    """The role is bound to a branch, and this belongs to another one."""

    code = "not_own_branch"
    title = "This belongs to another branch"


class NotOwnCase(Refusal):
    """The role sees cases that are assigned to the member, and this is not one of them."""

    code = "not_own_case"
    title = "This case is somebody else's"


class StaffSessionEnded(Refusal):
    """There is no staff session, or it expired or was ended."""

    code = "staff_session_ended"
    title = "A staff session is needed: sign in"


class FreshSignInNeeded(Refusal):
    """The session is too old for this, or began with a recovery code."""

    code = "fresh_sign_in_needed"
    title = "Sign in anew first, with your second factor"

    def __init__(self) -> None:
        """Make the one refusal that both cases have."""
        super().__init__("Sign in anew with a code of the authenticator or a passkey first.")


class StaffNotFound(NotFound):
    """There is no such member of staff."""

    code = "staff_not_found"
    title = "There is no such member of staff"


class StaffExists(Conflict):
    """Another member of staff has this e-mail address or customer record."""

    code = "staff_exists"
    title = "There is such a member of staff already"


class StaffStateRefused(Conflict):
    """The member of staff is not in the state that this needs."""

    code = "staff_state_refused"
    title = "The member of staff is not in a state for this"


class BootstrapOver(Conflict):
    """There are enough administrators: from now on two of them add the next member of staff."""

    code = "bootstrap_over"
    title = "Administrators add staff now, two of them together"


class EnrolmentRefused(Refusal):
    """The token or the code does not enrol anybody: wrong, used and too late are one answer."""

    code = "enrolment_refused"
    title = "This does not enrol anybody"

    def __init__(self) -> None:
        """Make the one refusal that all these cases have."""
        super().__init__("The token or the code is not right, or is over. Ask for a new token.")


class ApprovalNotFound(NotFound):
    """There is no such request, or it is none of the asker's business."""

    code = "approval_not_found"
    title = "There is no such request"


class ApprovalDecided(Conflict):
    """Somebody decided already."""

    code = "approval_decided"
    title = "The request is decided already"


class ApprovalExpired(Conflict):
    """Nobody decided in time."""

    code = "approval_expired"
    title = "The request has expired"


class ApprovalAltered(Conflict):
    """What the checker saw is not what would be done."""

    code = "approval_altered"
    title = "The request is not the one that was shown"


class OwnRequest(Refusal):
    """Who asks does not decide, in whatever role."""

    code = "own_request"
    title = "Nobody decides on their own request"


class MakerNotPermitted(Conflict):
    """Who asked may not ask for this any more."""

    code = "maker_not_permitted"
    title = "Who asked for this may not ask for it any more"
