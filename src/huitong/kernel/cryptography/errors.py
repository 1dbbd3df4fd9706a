"""What can go wrong with keys and sealed values. No message repeats a key or a value."""

from huitong.kernel.errors import Conflict, Fault


class SealBroken(Fault):
    """A sealed value does not open: it was changed, moved, or sealed with another key."""

    code = "seal_broken"
    title = "A sealed value does not open"

    def __init__(self, detail: str) -> None:
        """Make a fault that no repetition mends."""
        super().__init__(detail, retryable=False)


class MasterKeysUnreadable(Fault):
    """The master keys are not where they should be, or cannot be understood."""

    code = "master_keys_unreadable"
    title = "The master keys cannot be read"

    def __init__(self, detail: str) -> None:
        """Make a fault whose `detail` says where the keys were looked for."""
        super().__init__(detail, retryable=False)


class MasterKeyUnknown(Fault):
    """Something was wrapped with a master key that this process does not have."""

    code = "master_key_unknown"
    title = "A master key is missing"

    def __init__(self, detail: str) -> None:
        """Make a fault whose `detail` gives the number of the missing key."""
        super().__init__(detail, retryable=False)


class MasterKeysUnchangeable(Conflict):
    """The ring of master keys cannot be changed in this way, or not here."""

    code = "master_keys_unchangeable"
    title = "The master keys cannot be changed like this"


class CipherUnavailable(Fault):
    """The installed cryptography library was built without a cipher."""

    code = "cipher_unavailable"
    title = "A cipher is not available"
