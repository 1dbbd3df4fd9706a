"""One application with nothing replaced: drawn cards, the picture desk, registries over HTTP."""

from datetime import date
from typing import Any

import httpx

from huitong import customers
from huitong.customers import ApplicationState, PictureKind
from huitong.demo.id_cards import draw_back, draw_front, encode_jpeg
from huitong.demo.portraits import draw_portrait
from huitong.demo.specimens import make_specimen
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.serving import serve_inside

TODAY = date(2026, 11, 23)
SEED = 4


async def test_drawn_cards_are_read_compared_and_confirmed_outside(
    office: Any, person_of: Any, bank_cards: Any
) -> None:
    specimen = make_specimen(SEED, today=TODAY)
    pictures = {
        PictureKind.ID_FRONT: encode_jpeg(draw_front(specimen, portrait_seed=SEED)),
        PictureKind.ID_BACK: encode_jpeg(draw_back(specimen)),
        PictureKind.SELFIE: encode_jpeg(draw_portrait(SEED, pose=2)),
    }
    simulator = customers.RegistrySimulator(clock=office.clock)
    async with (
        serve_inside(simulator.application()) as url,
        customers.HttpRegistry(
            url, secret=customers.SIMULATED_SECRET, clock=office.clock
        ) as registries,
        customers.PictureDesk() as desk,
    ):
        parts: dict[str, Any] = {
            "database": office.database,
            "vault": office.vault,
            "desk": customers.EvidenceDesk(registries=registries, reader=desk, faces=desk),
            "rulebook": Rulebook.load(),
            "clock": office.clock,
        }
        applications = []
        for changed in ({"bank_cards": bank_cards[:1]}, {"name": "冒名"}):
            application_id = await office.draft(person_of(SEED, **changed))
            for kind, content in pictures.items():
                await office.save_picture(application_id, kind, content)
            await office.submit(application_id)
            async with httpx.AsyncClient(base_url=url) as outside:
                # The first exchange is lost on the way back; the client asks again.
                await outside.post("/faults", json={"kind": "lost_answer", "times": 1})
            await customers.check_applications(**parts)
            applications.append(await office.read(application_id))
    honest, other = applications
    assert honest.state is ApplicationState.APPROVED, honest.remarks
    assert honest.channels == ("bank_621626", "identity", "mobile")
    assert other.state is ApplicationState.PENDING_REVIEW
    assert {"field_differs"} <= {remark.code for remark in other.remarks}
    assert (await office.count())["customers.customers"] == 1
