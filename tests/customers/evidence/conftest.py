"""People who do not exist, their cards, and the day on which everything happens."""

from datetime import date

import pytest

from huitong.customers import CardField, CardSide
from huitong.demo.id_cards import draw_back, draw_front
from huitong.demo.specimens import Specimen, make_specimen

TODAY = date(2026, 11, 26)


@pytest.fixture
def today() -> date:
    return TODAY


class Cards:
    """Draws a person's card and says what somebody who tells the truth would type."""

    def person(self, seed: int) -> Specimen:
        return make_specimen(seed, today=TODAY)

    def draw(self, seed: int, side: CardSide):
        person = self.person(seed)
        if side is CardSide.FRONT:
            return draw_front(person, portrait_seed=seed)
        return draw_back(person)

    def typed(self, seed: int, side: CardSide) -> dict[CardField, object]:
        person = self.person(seed)
        if side is CardSide.BACK:
            return {
                CardField.AUTHORITY: person.authority,
                CardField.VALID_FROM_ON: person.valid_from_on,
                CardField.VALID_UNTIL_ON: person.valid_until_on,
            }
        return {
            CardField.NAME: person.name,
            CardField.SEX: person.sex,
            CardField.ETHNICITY: person.ethnicity,
            CardField.BIRTH_ON: person.birth_on,
            CardField.ADDRESS: person.address,
            CardField.NUMBER: person.number,
        }


@pytest.fixture(scope="session")
def cards() -> Cards:
    return Cards()
