"""What can keep the embedded database from running; each message says what to do about it."""

from huitong.kernel.errors import Fault


class EmbeddedDatabaseFault(Fault):
    """The embedded PostgreSQL could not be made, started or stopped."""

    code = "embedded_database_fault"
    title = "The embedded database has a problem"

    def __init__(self, detail: str) -> None:
        """Make a fault that does not heal by itself; `detail` is one sentence for an operator."""
        super().__init__(detail, retryable=False)
