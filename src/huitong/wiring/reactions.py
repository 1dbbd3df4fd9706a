"""Which event triggers what, and which jobs the worker can run.

Rooms do not know each other; what one of them must do because of another's event is said here.
"""

from typing import Final

from huitong.kernel.jobs import JobDefinition
from huitong.kernel.outbox import Handlers

HANDLERS: Final[Handlers] = {}
JOBS: Final[tuple[JobDefinition, ...]] = ()
