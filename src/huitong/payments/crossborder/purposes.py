"""What payments abroad are for: who may pay for it, and which papers prove it from which amount."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder.errors import PapersMissing, PurposeNotAllowed


class Purpose(StrEnum):
    """What a payment is for."""

    GOODS_TRADE = "goods_trade"
    SERVICES = "services"
    STUDY = "study"
    TRAVEL = "travel"
    FAMILY_SUPPORT = "family_support"
    OTHER = "other"
    """Of receipts only: their message says nothing that we know."""


class PaperKind(StrEnum):
    """What a paper is."""

    CONTRACT = "contract"
    INVOICE = "invoice"
    CUSTOMS_DECLARATION = "customs_declaration"
    TAX_FILING = "tax_filing"
    ADMISSION_LETTER = "admission_letter"
    FEE_NOTICE = "fee_notice"
    KINSHIP_PROOF = "kinship_proof"


#: Names that people read: Chinese and English.
PURPOSE_NAMES: Final[Mapping[Purpose, tuple[str, str]]] = {
    Purpose.GOODS_TRADE: ("货物贸易", "Goods"),
    Purpose.SERVICES: ("服务贸易", "Services"),
    Purpose.STUDY: ("境外留学", "Study abroad"),
    Purpose.TRAVEL: ("因私旅游", "Private travel"),
    Purpose.FAMILY_SUPPORT: ("赡家款", "Support of family"),
    Purpose.OTHER: ("待申报", "To be declared"),
}
PAPER_NAMES: Final[Mapping[PaperKind, tuple[str, str]]] = {
    PaperKind.CONTRACT: ("合同", "Contract"),
    PaperKind.INVOICE: ("发票", "Invoice"),
    PaperKind.CUSTOMS_DECLARATION: ("报关单", "Customs declaration"),
    PaperKind.TAX_FILING: ("税务备案表", "Tax filing"),
    PaperKind.ADMISSION_LETTER: ("录取通知书", "Letter of admission"),
    PaperKind.FEE_NOTICE: ("学费通知", "Notice of fees"),
    PaperKind.KINSHIP_PROOF: ("亲属关系证明", "Proof of kinship"),
}
_OF_PEOPLE: Final = frozenset({Purpose.STUDY, Purpose.TRAVEL, Purpose.FAMILY_SUPPORT})
_OF_BUSINESSES: Final = frozenset({Purpose.GOODS_TRADE, Purpose.SERVICES})
#: External purpose codes of ISO 20022 by which receipts say what they are for.
_BY_CODE: Final[Mapping[str, Purpose]] = {
    "GDDS": Purpose.GOODS_TRADE,
    "TRAD": Purpose.GOODS_TRADE,
    "SCVE": Purpose.SERVICES,
    "STDY": Purpose.STUDY,
    "FAMI": Purpose.FAMILY_SUPPORT,
}
CODES: Final[Mapping[Purpose, str]] = {
    Purpose.GOODS_TRADE: "GDDS",
    Purpose.SERVICES: "SCVE",
    Purpose.STUDY: "STDY",
    Purpose.FAMILY_SUPPORT: "FAMI",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeRule:
    """A purpose with the papers it needs above an amount; none if `papers` is empty."""

    purpose: Purpose
    bop_code: str
    papers: tuple[PaperKind, ...]
    papers_from: Money


def read_purpose(text: str, *, is_business: bool) -> Purpose:
    """Return the purpose of an outgoing payment; raises InvalidField, PurposeNotAllowed."""
    if text not in [each.value for each in Purpose if each is not Purpose.OTHER]:
        raise InvalidField(
            f"must be among {', '.join(sorted(_OF_PEOPLE | _OF_BUSINESSES))}", field="purpose"
        )
    purpose = Purpose(text)
    if purpose not in (_OF_BUSINESSES if is_business else _OF_PEOPLE):
        who = "a business" if is_business else "a person"
        raise PurposeNotAllowed(f"{purpose.value} is not a purpose of {who}", field="purpose")
    return purpose


def find_purpose(code: str | None) -> Purpose:
    """Return the purpose that a message's code means."""
    return _BY_CODE.get(code or "", Purpose.OTHER)


def get_rule(rulebook: Rulebook, purpose: Purpose, on: date) -> PurposeRule:
    """Return what a purpose asks for on a day."""
    key = f"crossborder.papers.{purpose.value}"
    bop_code = rulebook.text(f"crossborder.bop.{purpose.value}", on)
    if key not in rulebook.keys:
        return PurposeRule(
            purpose=purpose, bop_code=bop_code, papers=(), papers_from=Money.zero("USD")
        )
    value = rulebook.rule(key, on).value
    assert isinstance(value, tuple | list), "the rule lists texts"
    return PurposeRule(
        purpose=purpose,
        bop_code=bop_code,
        papers=tuple(PaperKind(str(each)) for each in value),
        papers_from=rulebook.amount(f"{key}.from", on),
    )


def list_rules(rulebook: Rulebook, on: date, *, is_business: bool) -> list[PurposeRule]:
    """Return the purposes that people, or businesses, may pay for."""
    purposes = _OF_BUSINESSES if is_business else _OF_PEOPLE
    return [get_rule(rulebook, purpose, on) for purpose in sorted(purposes)]


def check_papers(rule: PurposeRule, usd: Money, kinds: Collection[PaperKind]) -> None:
    """Refuse a payment whose purpose needs papers that are not there; raises PapersMissing."""
    if usd <= rule.papers_from:
        return
    missing = [each for each in rule.papers if each not in kinds]
    if missing:
        zh = "、".join(PAPER_NAMES[each][0] for each in missing)
        en = ", ".join(PAPER_NAMES[each][1] for each in missing)
        raise PapersMissing(
            f"缺少材料: {zh} / missing papers: {en}",
            field="papers",
            context={"missing": [each.value for each in missing]},
        )
