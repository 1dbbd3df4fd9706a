"""Who plays: people and merchants of one run, opened through the API."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from huitong.demo.day import Day, Person
from huitong.privacy import DataKind, mask

# People: name, class of the payment account. The class decides what may be paid.
LI_LEI: Final = ("李雷", 3)
HAN_MEIMEI: Final = ("韩梅梅", 3)
QIAO_SAN: Final = ("乔三", 1)
# Merchants: name, Latin name and city for the code, ISO 18245 category, fee rate.
TEA_HOUSE: Final = ("晋源茶铺", "JINYUAN TEA HOUSE", "PINGYAO", "5812", "0.0038")
MARKET: Final = ("平遥集市", "PINGYAO MARKET", "PINGYAO", "5399", "0.006")
FARM: Final = ("老陈农场", "LAO CHEN FARM", "QIXIAN", "5411", "0")


@dataclass(slots=True, kw_only=True)
class Cast:
    """Everybody in the story."""

    li_lei: Person
    han_meimei: Person
    qiao_san: Person
    tea_house: Person
    market: Person
    farm: Person


def customer_body(name: str, mobile: str, account_class: int) -> dict[str, Any]:
    """Return what is sent to open a customer."""
    return {"name": name, "mobile": mobile, "account_class": account_class}


def merchant_body(facts: tuple[str, str, str, str, str]) -> dict[str, Any]:
    """Return what is sent to open a merchant."""
    name, name_latin, city_latin, category_code, fee_rate = facts
    return {
        "name": name,
        "name_latin": name_latin,
        "city_latin": city_latin,
        "category_code": category_code,
        "fee_rate": fee_rate,
    }


def open_cast(day: Day) -> Cast:
    """Open everybody and check that the platform has them as sent, people masked."""
    # Eight digits from the run's name: two runs on one platform do not share a number.
    digits = int(day.run, 16) % 10**8

    def customer(facts: tuple[str, int], place: int) -> Person:
        name, account_class = facts
        mobile = f"19{place}{digits:08d}"
        sent = customer_body(name, mobile, account_class)
        made = day.do("/v1/customers", sent)
        read = day.read(f"/v1/customers/{made['id']}")
        shown = sent | {
            "name": mask(DataKind.NAME, name),
            "mobile": mask(DataKind.MOBILE, mobile),
        }
        day.check(f"{name} {made['account']}", {key: read[key] for key in sent}, shown)
        person = Person(name, made["id"], made["account"], mobile)
        day.people.append(person)
        return person

    def merchant(facts: tuple[str, str, str, str, str]) -> Person:
        sent = merchant_body(facts)
        made = day.do("/v1/merchants", sent)
        read = day.read(f"/v1/merchants/{made['id']}")
        day.check(f"{facts[0]} {made['account']}", {key: read[key] for key in sent}, sent)
        person = Person(facts[0], made["id"], made["account"], fee_rate=Decimal(facts[4]))
        day.people.append(person)
        return person

    return Cast(
        li_lei=customer(LI_LEI, 1),
        han_meimei=customer(HAN_MEIMEI, 2),
        qiao_san=customer(QIAO_SAN, 3),
        tea_house=merchant(TEA_HOUSE),
        market=merchant(MARKET),
        farm=merchant(FARM),
    )
