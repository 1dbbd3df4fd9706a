"""Every technical maximum of the platform, by name, so that nothing grows without a bound.

Regulatory and product limits are not here: they are dated rules in `kernel.rulebook`. Units come
last in the name. A room that needs a new maximum adds it to its file here, or to a `limits.py` of
its own; users of these write `from huitong.kernel import limits` and `limits.NAME`.
"""

from huitong.kernel.limits.amounts import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.customers import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.edge import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.identity import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.ledger import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.machine import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.operations import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.payments import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.privacy import *  # noqa: F403 - all names of the file
from huitong.kernel.limits.risk import *  # noqa: F403 - all names of the file
