"""Where evidence of identity is checked: the registries that are set, and the picture desk."""

from huitong import customers
from huitong.kernel.settings import Settings
from huitong.wiring.clocks import make_clock


def make_evidence_desk(settings: Settings) -> customers.EvidenceDesk:
    """Return the desk of a worker; nothing connects and no process starts before the first use.

    Without `HUITONG_REGISTRY_URL` nobody outside is asked, and applications wait for staff.
    """
    desk = customers.PictureDesk()
    return customers.EvidenceDesk(
        registries=make_registries(settings),
        reader=desk,
        faces=customers.choose_face_comparison(settings.face_comparison, desk),
    )


def make_registries(settings: Settings) -> customers.HttpRegistry | None:
    """Return the client of the registries that are set, or None; it connects when it is asked."""
    if settings.registry_url is None:
        return None
    return customers.HttpRegistry(
        settings.registry_url,
        secret=settings.registry_secret or customers.SIMULATED_SECRET,
        clock=make_clock(settings),
    )
