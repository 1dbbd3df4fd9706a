"""How a child process learns that its supervisor is gone, also after `kill -9`.

The supervisor holds the writing end of a pipe and never writes; each child holds the reading end.
When the supervisor dies, by whatever means, the kernel closes its end and every child reads the end
of the file. This works on every POSIX system, which PR_SET_PDEATHSIG does not.
"""

import os
import signal
import threading
import time
from collections.abc import Mapping
from typing import Final

LIFELINE_VARIABLE: Final = "HUITONG_LIFELINE_FD"
_GRACE_SECONDS: Final = 20.0


def watch_lifeline(environment: Mapping[str, str] | None = None) -> None:
    """Stop this process in order (as on SIGTERM) when the supervisor that started it is gone.

    Does nothing in a process that was not started by a supervisor.
    """
    text = (os.environ if environment is None else environment).get(LIFELINE_VARIABLE)
    if text is None:
        return
    threading.Thread(target=_wait, args=(int(text),), name="lifeline", daemon=True).start()


def _wait(descriptor: int) -> None:
    os.read(descriptor, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    # A process that ignores the signal would keep the port from the next supervisor.
    os._exit(1)
