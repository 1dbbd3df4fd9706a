"""The garbage collector of a process that serves or works for long."""

import contextlib
import gc
from collections.abc import Iterator
from typing import Final

#: How many objects more than before are made until the collector looks at the young ones.
_YOUNG_OBJECTS: Final = 20_000


@contextlib.contextmanager
def pausing_collector() -> Iterator[None]:
    """Keep the garbage collector still while a block loads code: nothing of that is garbage.

    Otherwise it walks the growing heap again and again, a third of the time that loading takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def spare_collector() -> None:
    """Take what was loaded until now out of the garbage collector's sight.

    Modules, routes and schemas are hundreds of thousands of objects that live as long as the
    process. Without this every full collection walks them all, and whoever pays meanwhile waits
    for some fifty milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
