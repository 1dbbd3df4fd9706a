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
