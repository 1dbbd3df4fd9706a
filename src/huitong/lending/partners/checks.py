"""Whether partners and agreements may be as they are asked for."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from huitong.kernel.currencies import get_currency
from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits as lending_limits
from huitong.lending.partners import limits
from huitong.lending.partners.errors import AgreementAgainstRule
from huitong.lending.partners.types import NewAgreement, NewPartner, NewShare, Partner
from huitong.lending.products import RATE_SCALE, to_millionths

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


def check_partner_fields(new: NewPartner, today: date) -> None:
    """Raise InvalidField for a partner that cannot be."""
    _check_code(new.code, "code")
    for field, name in (("name_zh", new.name_zh), ("name_en", new.name_en)):
        if not name.strip() or len(name) > lending_limits.NAME_LENGTH_MAX or not name.isprintable():
            most = lending_limits.NAME_LENGTH_MAX
            raise InvalidField(f"has 1 to {most} printable characters", field=field)
    get_currency(new.currency)
    _check_begin(new.effective_from, today)


def check_agreement_fields(new: NewAgreement, today: date) -> None:
    """Raise InvalidField for an agreement that cannot be, whoever the partners are."""
    _check_code(new.code, "code")
    get_currency(new.currency)
    _check_begin(new.effective_from, today)
    count, most = len(new.products), limits.PRODUCTS_OF_AGREEMENT_MAX
    if not 1 <= count <= most or len(set(new.products)) < count:
        raise InvalidField(f"must have 1 to {most}, each once", field="products")
    count, most = len(new.shares), limits.PARTNERS_OF_PLAN_MAX
    if not 1 <= count <= most or len({each.partner for each in new.shares}) < count:
        raise InvalidField(f"must have 1 to {most} partners, each once", field="shares")
    for place, each in enumerate(new.shares):
        for name, least in (("share", 1), ("loss_share", 0), ("fee_share", 0)):
            value = getattr(each, name)
            if type(value) is not int or not least <= value <= RATE_SCALE:
                raise InvalidField("must be from 0 to 1", field=f"shares.{place}.{name}")
    for name in ("share", "loss_share"):
        if sum(getattr(each, name) for each in new.shares) > RATE_SCALE:
            raise InvalidField("make more than the whole", field=f"shares.{name}")


def check_agreement_rules(
    new: NewAgreement, partners: Sequence[Partner], *, rulebook: Rulebook, on: date
) -> None:
    """Raise AgreementAgainstRule for shares that the rulebook forbids; partners in their order."""
    least = to_millionths(rulebook.decimal("loan.colend.partner.min", on))
    needs_licence = rulebook.flag("loan.colend.guarantee.licence.required", on)
    for place, (each, partner) in enumerate(zip(new.shares, partners, strict=True)):
        if each.share < least:
            raise _against("loan.colend.partner.min", f"shares.{place}.share", "is below the least")
        if _guarantees(each) and needs_licence and not partner.may_guarantee:
            raise _against(
                "loan.colend.guarantee.licence.required",
                f"shares.{place}.loss_share",
                "is more than its share of the loan without a licence",
            )
    own = RATE_SCALE - sum(each.share for each in new.shares)
    if own < to_millionths(rulebook.decimal("loan.colend.own.min", on)):
        raise _against("loan.colend.own.min", "shares", "leave us less than the least")


def _guarantees(share: NewShare) -> bool:
    return share.loss_share > share.share


def _check_code(code: str, field: str) -> None:
    if _CODE.fullmatch(code) is None:
        raise InvalidField("has 1 to 32 of a-z, 0-9 and _, a letter first", field=field)


def _check_begin(day: date, today: date) -> None:
    if day < today:
        raise InvalidField("begins today at the earliest", field="effective_from")


def _against(key: str, field: str, what: str) -> AgreementAgainstRule:
    return AgreementAgainstRule(f"{what} (rule {key})", field=field, context={"rule": key})
