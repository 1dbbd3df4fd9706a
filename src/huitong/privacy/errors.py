"""Why personal data is not sealed, opened or shown."""

from huitong.kernel.errors import Conflict, Fault, LimitExceeded, NotFound, Refusal


class DataDestroyed(Refusal):
    """The subject's data key was destroyed, and with it everything that it sealed."""

    code = "data_destroyed"
    title = "This person's data was destroyed"


class SubjectUnknown(NotFound):
    """Nothing was ever sealed for this subject."""

    code = "subject_unknown"
    title = "No data is kept for this subject"


class SealsExhausted(LimitExceeded):
    """A data key sealed as many values as is safe."""

    code = "seals_exhausted"
    title = "No more values can be sealed for this subject"


class MasterKeyInUse(Conflict):
    """A master key still wraps data keys, so it cannot be retired."""

    code = "master_key_in_use"
    title = "The master key still wraps data keys"


class WrongSecrets(Fault):
    """This process has other master keys, or another index secret, than the database's data."""

    code = "wrong_secrets"
    title = "The master keys belong to another database"

    def __init__(self, detail: str) -> None:
        """Make a fault whose `detail` names the secret, not its content."""
        super().__init__(detail, retryable=False)


class ConsentMissing(Refusal):
    """The person did not agree to this purpose, took it back, or was not asked again."""

    code = "consent_missing"
    title = "The person has not agreed to this use of their data"


class ConsentNotGiven(NotFound):
    """There is nothing to withdraw."""

    code = "consent_not_given"
    title = "This consent was never given"


class ConsentTextOutdated(Conflict):
    """The text that was agreed to is not the one in force."""

    code = "consent_text_outdated"
    title = "Another version of the consent text is in force"


class ProcessingRestricted(Refusal):
    """The person's data may only be stored and kept safe (PIPL Art. 47)."""

    code = "processing_restricted"
    title = "This person's data is only stored, and not used"


class ViewerCut(Refusal):
    """The viewer's access to people's data is cut until another person lifts it."""

    code = "viewer_cut"
    title = "Access to people's data is cut for this viewer"


class NotShownWhole(Refusal):
    """No role of the viewer's may see this whole for this purpose, and masked it cannot be."""

    code = "not_shown_whole"
    title = "Your role does not see this for this purpose"


class CutNotFound(NotFound):
    """The viewer's access is not cut."""

    code = "cut_not_found"
    title = "This viewer's access is not cut"


class LiftedBySamePerson(Refusal):
    """Who was cut, or who cut, may not lift it."""

    code = "lifted_by_same_person"
    title = "Another person must lift this"


class SubjectRequestNotFound(NotFound):
    """The person has no such request."""

    code = "subject_request_not_found"
    title = "There is no such request"


class SubjectRequestOpen(Conflict):
    """A request of this kind is still being handled."""

    code = "subject_request_open"
    title = "A request of this kind is open already"


class SubjectRequestState(Conflict):
    """The request is not in a state that permits this."""

    code = "subject_request_state"
    title = "The request has gone too far, or not far enough, for this"


class ExportNotReady(Conflict):
    """The copy was not made yet."""

    code = "export_not_ready"
    title = "The copy is not ready yet"


class ExportGone(Refusal):
    """The copy was fetched already, or its time is over."""

    code = "export_gone"
    title = "The copy was fetched already, or has expired"


class ExportTooLarge(LimitExceeded):
    """A person's data does not fit into one copy."""

    code = "export_too_large"
    title = "The copy would be too large"


class ProvidersMissing(Fault):
    """Nobody could say what must be kept, so nothing may be erased."""

    code = "subject_data_providers_missing"
    title = "No room is registered for people's data"

    def __init__(self, detail: str) -> None:
        """Make a fault that trying again does not cure."""
        super().__init__(detail, retryable=False)
