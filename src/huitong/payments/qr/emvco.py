"""EMVCo merchant-presented codes: from facts to the text in the picture, and back.

Standard: EMV QR Code Specification for Payment Systems, Merchant-Presented Mode 1.1 (2020).
Every refusal is an `InvalidField` whose field is the path of the data object, `payload.62.05`.
"""

from typing import Final

from huitong.kernel.currencies import CURRENCIES, get_currency
from huitong.kernel.money import Money
from huitong.payments.qr import data_objects
from huitong.payments.qr.data_objects import (
    PAYLOAD_FIELD,
    VALUE_LENGTH_MAX,
    Alphabet,
    ObjectRule,
    refuse,
)
from huitong.payments.qr.types import (
    AdditionalData,
    DataObject,
    LocalizedMerchant,
    MerchantPayload,
    PointOfInitiation,
)

# A version-4 UUID without hyphens is the one kind of identifier that the standard lets anybody
# take without registering; it marks the account template whose code id we can look up.
HUITONG_IDENTIFIER: Final = "977f223e6379449ea373fbc7b4c05b81"
CODE_ID_LENGTH_MAX: Final = 59

_FORMAT_INDICATOR: Final = DataObject("00", "01")
_IDENTIFIER_ID: Final = "00"
_CODE_ID: Final = "01"
_ACCOUNT_TEMPLATE_ID: Final = "26"
_MANDATORY_IDS: Final = ("52", "53", "58", "59", "60")
_ROOT_IDS: Final = frozenset(
    {"00", "01", "52", "53", "54", "58", "59", "60", "61", "62", "63", "64"}
)

_CURRENCY_PATH: Final = f"{PAYLOAD_FIELD}.53"
_CURRENCY_BY_NUMBER: Final = {unit.numeric: unit.code for unit in CURRENCIES.values()}

_ADDITIONAL_PATH: Final = f"{PAYLOAD_FIELD}.62"
_LOCALIZED_PATH: Final = f"{PAYLOAD_FIELD}.64"
_LABEL_LENGTH_MAX: Final = 25
_ADDITIONAL_RULES: Final = {
    "01": ObjectRule("bill number", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    "02": ObjectRule("mobile number", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    "03": ObjectRule("store label", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    "04": ObjectRule("loyalty number", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    "05": ObjectRule("reference label", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    "06": ObjectRule("customer label", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    "07": ObjectRule("terminal label", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    "08": ObjectRule("purpose of transaction", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
    # The standard knows three letters (A, M, E), but published sample codes carry more; as nothing
    # acts on this object, refusing their length would refuse a payment for nothing.
    "09": ObjectRule("additional consumer data request", Alphabet.PRINTABLE, _LABEL_LENGTH_MAX),
}
_ADDITIONAL_OTHER: Final = ObjectRule("additional data", Alphabet.TEXT, VALUE_LENGTH_MAX)
_LOCALIZED_RULES: Final = {
    "00": ObjectRule("language preference", Alphabet.PRINTABLE, 2, 2),
    "01": ObjectRule("merchant name in that language", Alphabet.TEXT, 25),
    "02": ObjectRule("merchant city in that language", Alphabet.TEXT, 15),
}
_LOCALIZED_OTHER: Final = ObjectRule("reserved by EMVCo", Alphabet.TEXT, VALUE_LENGTH_MAX)


def code_account(code_id: str, *, template_id: str = _ACCOUNT_TEMPLATE_ID) -> DataObject:
    """Return the merchant account template that carries our code id.

    `template_id` is 26 to 51, for codes that several payment systems share. Raises `InvalidField`.
    """
    path = f"{PAYLOAD_FIELD}.{template_id}"
    if template_id not in {str(number) for number in range(26, 52)}:
        refuse(PAYLOAD_FIELD, "an account template must have an id from 26 to 51.")
    if not _is_code_id(code_id):
        refuse(
            f"{path}.{_CODE_ID}",
            f"a code id must be 1 to {CODE_ID_LENGTH_MAX} ASCII letters, digits or underscores.",
        )
    value = data_objects.write_template(
        (DataObject(_IDENTIFIER_ID, HUITONG_IDENTIFIER), DataObject(_CODE_ID, code_id)),
        path=path,
        find_rule=data_objects.identified_template_rule,
    )
    return DataObject(template_id, value)


def find_code_id(payload: MerchantPayload) -> str | None:
    """Return the id of our code in `payload`, or None if it is not one of ours.

    Two of our templates in one code are refused with `InvalidField`: whoever could add one would
    otherwise choose whom the payer pays.
    """
    found: str | None = None
    for account in payload.merchant_accounts:
        if not data_objects.is_identified_template(account.id):
            continue
        path = f"{PAYLOAD_FIELD}.{account.id}"
        values = {unit.id: unit.value for unit in _parse_identified_template(account)}
        if values[_IDENTIFIER_ID] != HUITONG_IDENTIFIER:
            continue
        if found is not None:
            refuse(path, "a second account template of ours in one code.")
        found = values.get(_CODE_ID, "")
        if not _is_code_id(found):
            refuse(f"{path}.{_CODE_ID}", "the code id is missing or malformed.")
    return found


def get_code_id(payload: MerchantPayload) -> str:
    """Return the id of our code in `payload`, or refuse a code of others."""
    code_id = find_code_id(payload)
    if code_id is None:
        refuse(PAYLOAD_FIELD, "no account template (26 to 51) of this platform is in the code.")
    return code_id


def encode_payload(payload: MerchantPayload) -> str:
    """Return the text to draw, check sum included, objects in order of id.

    Equal payloads give equal texts. Raises `InvalidField` for the first data object that breaks
    the standard.
    """
    objects = [
        _FORMAT_INDICATOR,
        *payload.merchant_accounts,
        DataObject("52", payload.merchant_category_code),
        DataObject("53", get_currency(payload.currency, field=_CURRENCY_PATH).numeric),
        DataObject("58", payload.country),
        DataObject("59", payload.merchant_name),
        DataObject("60", payload.merchant_city),
        *payload.other,
    ]
    if payload.initiation is not None:
        objects.append(DataObject("01", payload.initiation.value))
    if payload.amount is not None:
        objects.append(DataObject("54", _write_amount(payload.amount, payload.currency)))
    if payload.postal_code is not None:
        objects.append(DataObject("61", payload.postal_code))
    if payload.additional is not None:
        objects.append(DataObject("62", _write_additional(payload.additional)))
    if payload.localized is not None:
        objects.append(DataObject("64", _write_localized(payload.localized)))
    _check_placement(payload)
    objects.sort(key=lambda unit: unit.id)
    _check_root(tuple(objects))
    return data_objects.write_objects(objects)


def parse_payload(text: str) -> MerchantPayload:
    """Return the facts in a scanned text; the order of its objects is not kept.

    Raises the `InvalidField` that names the data object at fault.
    """
    objects = data_objects.parse_objects(text)
    _check_root(objects)
    values = {unit.id: unit.value for unit in objects}
    ordered = sorted(objects, key=lambda unit: unit.id)
    currency = _read_currency(values["53"])
    return MerchantPayload(
        initiation=_read_initiation(values.get("01")),
        merchant_accounts=tuple(unit for unit in ordered if data_objects.is_account(unit.id)),
        merchant_category_code=values["52"],
        currency=currency,
        merchant_name=values["59"],
        merchant_city=values["60"],
        amount=_read_amount(values.get("54"), currency),
        country=values["58"],
        postal_code=values.get("61"),
        additional=_read_additional(values.get("62")),
        localized=_read_localized(values.get("64")),
        other=tuple(
            unit
            for unit in ordered
            if unit.id not in _ROOT_IDS and not data_objects.is_account(unit.id)
        ),
    )


def _check_root(objects: tuple[DataObject, ...]) -> None:
    ids = {unit.id for unit in objects}
    for object_id in _MANDATORY_IDS:
        if object_id not in ids:
            name = data_objects.root_rule(object_id).name
            refuse(f"{PAYLOAD_FIELD}.{object_id}", f"{name} is missing.")
    if not any(data_objects.is_account(object_id) for object_id in ids):
        refuse(PAYLOAD_FIELD, "no merchant account information (02 to 51) is in the code.")
    for unit in objects:
        if data_objects.is_identified_template(unit.id):
            _parse_identified_template(unit)
        elif unit.id == "58":
            _check_letters(unit.value, f"{PAYLOAD_FIELD}.58", "a country", upper=True)


def _check_placement(payload: MerchantPayload) -> None:
    """Refuse an object in the wrong tuple, which parsing would give back in another place."""
    for account in payload.merchant_accounts:
        if not data_objects.is_account(account.id):
            refuse(PAYLOAD_FIELD, "merchant accounts must have ids from 02 to 51.")
    for unit in payload.other:
        if unit.id in _ROOT_IDS or data_objects.is_account(unit.id):
            refuse(f"{PAYLOAD_FIELD}.{unit.id}", "has a field of its own.")


def _parse_identified_template(template: DataObject) -> tuple[DataObject, ...]:
    path = f"{PAYLOAD_FIELD}.{template.id}"
    parts = data_objects.parse_template(
        template.value, path=path, find_rule=data_objects.identified_template_rule
    )
    if not any(unit.id == _IDENTIFIER_ID for unit in parts):
        refuse(f"{path}.{_IDENTIFIER_ID}", "the globally unique identifier is missing.")
    return parts


def _read_initiation(value: str | None) -> PointOfInitiation | None:
    if value is None:
        return None
    try:
        return PointOfInitiation(value)
    except ValueError:
        refuse(f"{PAYLOAD_FIELD}.01", "point of initiation must be 11 (static) or 12 (dynamic).")


def _read_currency(number: str) -> str:
    code = _CURRENCY_BY_NUMBER.get(number)
    if code is None:
        refuse(_CURRENCY_PATH, f"{number} is not the ISO 4217 number of an active currency.")
    return code


def _write_amount(amount: Money, currency: str) -> str:
    path = f"{PAYLOAD_FIELD}.54"
    if amount.currency != currency:
        refuse(path, f"an amount in {amount.currency} is in a code for {currency}.")
    if not amount.is_positive:
        refuse(
            path, "transaction amount must be above zero; leave it out to let the payer enter it."
        )
    return amount.format()


def _read_amount(value: str | None, currency: str) -> Money | None:
    if value is None:
        return None
    path = f"{PAYLOAD_FIELD}.54"
    # The standard allows a decimal mark with nothing behind it ("98."), our amounts do not.
    amount = Money.parse(value.removesuffix("."), currency, field=path)
    if not amount.is_positive:
        refuse(path, "transaction amount must be above zero.")
    return amount


def _write_additional(additional: AdditionalData) -> str:
    for unit in additional.other:
        if unit.id in _ADDITIONAL_RULES:
            refuse(f"{_ADDITIONAL_PATH}.{unit.id}", "has a field of its own.")
    named = {
        "01": additional.bill_number,
        "02": additional.mobile_number,
        "03": additional.store_label,
        "04": additional.loyalty_number,
        "05": additional.reference_label,
        "06": additional.customer_label,
        "07": additional.terminal_label,
        "08": additional.purpose,
        "09": additional.consumer_data_request,
    }
    objects = [DataObject(unit_id, value) for unit_id, value in named.items() if value is not None]
    return data_objects.write_template(
        (*objects, *additional.other), path=_ADDITIONAL_PATH, find_rule=_additional_rule
    )


def _read_additional(value: str | None) -> AdditionalData | None:
    if value is None:
        return None
    objects = data_objects.parse_template(value, path=_ADDITIONAL_PATH, find_rule=_additional_rule)
    values = {unit.id: unit.value for unit in objects}
    return AdditionalData(
        bill_number=values.get("01"),
        mobile_number=values.get("02"),
        store_label=values.get("03"),
        loyalty_number=values.get("04"),
        reference_label=values.get("05"),
        customer_label=values.get("06"),
        terminal_label=values.get("07"),
        purpose=values.get("08"),
        consumer_data_request=values.get("09"),
        other=_rest(objects, _ADDITIONAL_RULES),
    )


def _write_localized(localized: LocalizedMerchant) -> str:
    for unit in localized.other:
        if unit.id in _LOCALIZED_RULES:
            refuse(f"{_LOCALIZED_PATH}.{unit.id}", "has a field of its own.")
    _check_letters(localized.language, f"{_LOCALIZED_PATH}.00", "a language", upper=False)
    objects = [DataObject("00", localized.language), DataObject("01", localized.name)]
    if localized.city is not None:
        objects.append(DataObject("02", localized.city))
    return data_objects.write_template(
        (*objects, *localized.other), path=_LOCALIZED_PATH, find_rule=_localized_rule
    )


def _read_localized(value: str | None) -> LocalizedMerchant | None:
    if value is None:
        return None
    objects = data_objects.parse_template(value, path=_LOCALIZED_PATH, find_rule=_localized_rule)
    values = {unit.id: unit.value for unit in objects}
    for object_id in ("00", "01"):
        if object_id not in values:
            refuse(
                f"{_LOCALIZED_PATH}.{object_id}", f"{_LOCALIZED_RULES[object_id].name} is missing."
            )
    _check_letters(values["00"], f"{_LOCALIZED_PATH}.00", "a language", upper=False)
    return LocalizedMerchant(
        name=values["01"],
        city=values.get("02"),
        language=values["00"],
        other=_rest(objects, _LOCALIZED_RULES),
    )


def _additional_rule(object_id: str) -> ObjectRule:
    return _ADDITIONAL_RULES.get(object_id, _ADDITIONAL_OTHER)


def _localized_rule(object_id: str) -> ObjectRule:
    return _LOCALIZED_RULES.get(object_id, _LOCALIZED_OTHER)


def _rest(objects: tuple[DataObject, ...], named: dict[str, ObjectRule]) -> tuple[DataObject, ...]:
    rest = (unit for unit in objects if unit.id not in named)
    return tuple(sorted(rest, key=lambda unit: unit.id))


def _is_code_id(text: str) -> bool:
    return (
        0 < len(text) <= CODE_ID_LENGTH_MAX and text.isascii() and text.replace("_", "0").isalnum()
    )


def _check_letters(value: str, path: str, what: str, *, upper: bool) -> None:
    # Languages come in both cases (`ZH` in the standard's own sample); ISO 3166 countries do not.
    if not (value.isascii() and value.isalpha() and (value.isupper() or not upper)):
        refuse(path, f"{what} must be two {'capital ' if upper else ''}letters.")
