"""Who applies: made-up people with drawn cards, whom the simulated registries confirm."""

import base64
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from stdnum import luhn

from huitong.customers import CheckKind, CheckVerdict, decide
from huitong.demo.id_cards import draw_back, draw_front, encode_jpeg
from huitong.demo.photographs import Shot, photograph
from huitong.demo.portraits import draw_portrait
from huitong.demo.specimens import Specimen, make_specimen

#: The day on which the cards are drawn up, so that a seed gives one person whenever it is played.
_DRAWN_ON: Final = date(2026, 1, 1)
_DRAWS_MAX: Final = 1_000
_CARDS: Final = 5
#: Issuer numbers of five big banks.
_ISSUERS: Final = ("621626", "622202", "622848", "621700", "622580")
_CARD_BODY_DIGITS: Final = 12
_SELFIE_POSE: Final = 2
_OCCUPATION: Final = "票号掌柜"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A made-up person with what it takes to apply; `pictures` are JPEG files by kind."""

    specimen: Specimen
    mobile: str
    cards: tuple[str, ...]
    pictures: Mapping[str, bytes] = field(repr=False)

    def body(self, **changed: Any) -> dict[str, Any]:
        """Return the nine items as they are typed, some of them `changed`."""
        person = self.specimen
        until = person.valid_until_on
        return {
            "name": person.name,
            "sex": "male" if person.sex == "男" else "female",
            "nationality": "CHN",
            "occupation": _OCCUPATION,
            "address": person.address,
            "mobile": self.mobile,
            "id_number": person.number,
            "valid_from": person.valid_from_on.isoformat(),
            "valid_until": None if until is None else until.isoformat(),
        } | changed

    def secrets(self) -> list[str]:
        """Return what must be readable nowhere: name, numbers and address."""
        person = self.specimen
        return [person.name, person.number, person.address, self.mobile, *self.cards]


def draw_applicants(seed: int) -> Iterator[Applicant]:
    """Return the people of a seed, one after the other, always the same ones.

    Three of a hundred numbers are unknown to the simulated registries; who has one is left out.
    """
    for place in range(_DRAWS_MAX):
        chance = random.Random(f"huitong onboarding {seed} {place}")  # noqa: S311 - to be repeatable
        portrait_seed = chance.randrange(1_000_000)
        specimen = make_specimen(portrait_seed, today=_DRAWN_ON)
        # A card for ever: the story is to be played in later years, too.
        if specimen.valid_until_on is not None:
            continue
        applicant = Applicant(
            specimen=specimen,
            mobile=f"19{chance.randrange(10**9):09d}",
            cards=tuple(_draw_card(chance, issuer) for issuer in _ISSUERS),
            pictures=_take_pictures(specimen, portrait_seed),
        )
        if _is_confirmed(applicant):
            yield applicant
    raise AssertionError("one in three is taken, so a thousand are enough for every story")


def _draw_card(chance: random.Random, issuer: str) -> str:
    body = issuer + "".join(chance.choices("0123456789", k=_CARD_BODY_DIGITS))
    return body + luhn.calc_check_digit(body)


def _take_pictures(specimen: Specimen, seed: int) -> dict[str, bytes]:
    """Return what a phone makes of the card on a table, and of its owner."""
    sides = {"id_front": draw_front(specimen, portrait_seed=seed), "id_back": draw_back(specimen)}
    shot = Shot(slant_degrees=2.0, perspective=0.02, noise=4.0, jpeg_quality=88, seed=seed)
    return {
        **{kind: photograph(card, shot) for kind, card in sides.items()},
        "selfie": encode_jpeg(draw_portrait(seed, pose=_SELFIE_POSE)),
    }


def _is_confirmed(applicant: Applicant) -> bool:
    selfie = base64.b64encode(applicant.pictures["selfie"]).decode()
    questions = [
        (CheckKind.IDENTITY, {"id_number": applicant.specimen.number, "photo": selfie}),
        (CheckKind.MOBILE, {"mobile": applicant.mobile}),
        (CheckKind.LIVENESS, {"picture": selfie}),
        *((CheckKind.BANK_CARD, {"card_number": card}) for card in applicant.cards),
    ]
    return all(
        decide(kind, asked, today=_DRAWN_ON) is CheckVerdict.CONSISTENT for kind, asked in questions
    )
