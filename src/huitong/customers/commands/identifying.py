"""By what an applicant who was judged before is found and kept: numbers, birth, blind indexes."""

from datetime import date

from huitong.customers.evidence import check_mobile
from huitong.customers.onboarding import sealing
from huitong.customers.onboarding.documents import find_birth, name_holder, read_number
from huitong.customers.onboarding.types import PersonDetails
from huitong.customers.people import index_mobile
from huitong.privacy import Vault


def make_indexes(vault: Vault, person: PersonDetails, today: date) -> tuple[bytes, bytes, bytes]:
    """Return the indexes of identity number, mobile number, and name with day of birth."""
    number = read_sound_number(person, today)
    return (
        sealing.index_id_number(vault, name_holder(person, number)),
        index_mobile(vault, tidy_mobile(person)),
        sealing.index_name_and_birth(vault, person.name, read_birth(person, today)),
    )


def read_sound_number(person: PersonDetails, today: date) -> str:
    """Return the number of a document that was found sound."""
    number = read_number(person, today)
    assert number is not None, "a number that cannot be taken apart was refused before"
    return number


def read_birth(person: PersonDetails, today: date) -> date:
    """Return the day of birth on a document that was found sound."""
    birth_on = find_birth(person, today)
    assert birth_on is not None, "a document without a day of birth was refused before"
    return birth_on


def tidy_mobile(person: PersonDetails) -> str:
    """Return a mobile number as it is kept, of a person who was found sound."""
    facts = check_mobile(person.mobile).facts
    assert facts is not None, "a number that breaks its form was refused before"
    return facts.number
