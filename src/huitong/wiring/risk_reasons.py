"""Why something was decided, as the person whom it concerns may be told."""

from typing import Final

from huitong import risk
from huitong.kernel.database.unit_of_work import UnitOfWork

_OF_LISTS: Final = "list_"
_GENERAL: Final = risk.Reason(
    code="checks",
    zh="本次操作未能通过风险核查。",
    en="This did not pass our checks of risk.",
)


async def tell_reasons(uow: UnitOfWork, decision: risk.Decision) -> tuple[risk.Reason, ...]:
    """Return why it was not just allowed, at least one reason, and never that somebody is listed.

    That may warn those whom it is about.
    """
    if decision.action is risk.Action.ALLOW:
        return ()
    reasons = await risk.explain_decision(uow, decision)
    return tuple(each for each in reasons if not each.code.startswith(_OF_LISTS)) or (_GENERAL,)
