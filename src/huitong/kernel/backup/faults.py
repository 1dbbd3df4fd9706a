"""What can go wrong with a backup; each message says what to do about it."""

from huitong.kernel.errors import Fault


class BackupFault(Fault):
    """A backup cannot be made, read or restored."""

    code = "backup_fault"
    title = "The backup has a problem"

    def __init__(self, detail: str) -> None:
        """Make a fault that does not heal by itself; `detail` is for an operator."""
        super().__init__(detail, retryable=False)


class BackupDamaged(BackupFault):
    """The file is not what was written: bytes were changed, lost, added or moved."""

    code = "backup_damaged"
    title = "The backup is damaged"


class WrongRecoveryKey(BackupFault):
    """The backup was made with another key."""

    code = "wrong_recovery_key"
    title = "This recovery key does not open the backup"
