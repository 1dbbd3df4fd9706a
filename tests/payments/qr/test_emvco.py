"""Merchant-presented payloads: published vectors, round trips, refusals that name the object."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.currencies import CURRENCIES
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.payments import qr
from huitong.payments.qr import data_objects
from huitong.payments.qr.calculations import crc16_ccitt_false
from huitong.payments.qr.types import (
    AdditionalData,
    DataObject,
    LocalizedMerchant,
    MerchantPayload,
    PointOfInitiation,
)

VECTORS_PATH = (
    Path(__file__).resolve().parents[4]
    / "shared"
    / "data"
    / "8-standards"
    / "emvco_mpm_qr_vectors.json"
)
CODE_ID = "qr_0190a5f0c3f17c3e8f6e2b7a9d4c5e61"
NOODLE_SHOP = MerchantPayload(
    initiation=PointOfInitiation.DYNAMIC,
    merchant_accounts=(qr.code_account(CODE_ID),),
    merchant_category_code="5812",
    currency="CNY",
    merchant_name="LAO ZHANG NOODLES",
    merchant_city="TAIYUAN",
    amount=Money(1_850, "CNY"),
    additional=AdditionalData(
        bill_number="B20250612-7", store_label="S01", reference_label="R77", terminal_label="T3"
    ),
    localized=LocalizedMerchant(name="老张刀削面", city="太原"),
)


def load_vectors() -> dict[str, object]:
    if not VECTORS_PATH.exists():
        pytest.skip(f"the shared EMVCo vectors are not beside this checkout ({VECTORS_PATH})")
    vectors: dict[str, object] = json.loads(VECTORS_PATH.read_text(encoding="utf-8"))
    return vectors


def vector_cases() -> list[dict[str, object]]:
    cases = load_vectors()["cases"]
    assert isinstance(cases, list)
    assert len(cases) == 4
    return cases


def sealed(body: str) -> str:
    """Add a right check sum, so that a test reaches the fault that it is about."""
    unchecked = body + "6304"
    return f"{unchecked}{crc16_ccitt_false(unchecked.encode()):04X}"


def refused_field(text: str) -> str:
    with pytest.raises(InvalidField) as caught:
        qr.parse_payload(text)
    assert caught.value.field in caught.value.detail
    return caught.value.field


def refused_facts(payload: MerchantPayload) -> str:
    with pytest.raises(InvalidField) as caught:
        qr.encode_payload(payload)
    return caught.value.field


# ------------------------------------------------------------------------------ known answers


def test_check_sum_of_nine_digits_is_29b1() -> None:
    assert crc16_ccitt_false(b"123456789") == 0x29B1


def test_check_sum_answers_of_the_vectors_are_met() -> None:
    answers = load_vectors()["crc16_check"]
    assert isinstance(answers, dict)
    for text, answer in answers.items():
        assert f"{crc16_ccitt_false(text.encode()):04X}" == answer


def test_vectors_split_into_the_published_objects_and_join_to_the_same_bytes() -> None:
    for case in vector_cases():
        payload = case["payload"]
        assert isinstance(payload, str)
        objects = data_objects.parse_objects(payload)
        published = dict(case["objects"])  # type: ignore[call-overload]
        del published["63"]
        assert {unit.id: unit.value for unit in objects} == published
        assert data_objects.write_objects(objects).encode() == payload.encode()


def test_vectors_survive_as_facts_and_sorted_ones_as_bytes() -> None:
    sorted_count = 0
    for case in vector_cases():
        payload = case["payload"]
        assert isinstance(payload, str)
        facts = qr.parse_payload(payload)
        again = qr.encode_payload(facts)
        assert qr.parse_payload(again) == facts
        ids = [unit.id for unit in data_objects.parse_objects(payload)]
        if ids == sorted(ids):
            assert again.encode() == payload.encode()
            sorted_count += 1
    assert sorted_count == 3


def test_sample_of_the_standard_reads_as_its_facts() -> None:
    payload = vector_cases()[0]["payload"]
    assert isinstance(payload, str)
    facts = qr.parse_payload(payload)
    assert facts.initiation is PointOfInitiation.DYNAMIC
    assert facts.amount == Money(2_372, "CNY")
    assert facts.localized == LocalizedMerchant(name="最佳运输", city="北京", language="ZH")
    assert facts.additional == AdditionalData(
        store_label="1234",
        customer_label="***",
        terminal_label="A6008667",
        consumer_data_request="ME",
    )
    assert qr.find_code_id(facts) is None


def test_dynamic_code_of_a_noodle_shop_is_written_as_expected() -> None:
    text = qr.encode_payload(NOODLE_SHOP)
    assert text == sealed(
        "000201"
        "010212"
        f"26750032{qr.HUITONG_IDENTIFIER}0135{CODE_ID}"
        "52045812"
        "5303156"
        "540518.50"
        "5802CN"
        "5917LAO ZHANG NOODLES"
        "6007TAIYUAN"
        "62350111B20250612-70303S010503R770702T3"
        "64210002ZH0105老张刀削面0202太原"
    )
    assert qr.parse_payload(text) == NOODLE_SHOP
    assert qr.get_code_id(qr.parse_payload(text)) == CODE_ID


def test_static_code_leaves_the_amount_to_the_payer() -> None:
    sticker = replace(NOODLE_SHOP, initiation=PointOfInitiation.STATIC, amount=None)
    text = qr.encode_payload(sticker)
    assert text.startswith("000201010211")
    assert [unit.id for unit in data_objects.parse_objects(text)] == [
        "00", "01", "26", "52", "53", "58", "59", "60", "62", "64"
    ]  # fmt: skip
    assert qr.parse_payload(text) == sticker


def test_length_counts_characters_and_the_check_sum_counts_bytes() -> None:
    text = qr.encode_payload(NOODLE_SHOP)
    assert "0105老张刀削面" in text
    in_bytes = text[:-8].replace("64210002ZH0105老张刀削面", "64310002ZH0115老张刀削面")
    assert refused_field(sealed(in_bytes)) == "payload.64"
    in_other_bytes = text[:-4].encode("gb18030")
    assert text[-4:] != f"{crc16_ccitt_false(in_other_bytes):04X}"


def test_amount_with_a_bare_decimal_mark_is_read() -> None:
    body = qr.encode_payload(NOODLE_SHOP)[:-8].replace("540518.50", "540318.")
    assert qr.parse_payload(sealed(body)).amount == Money(1_800, "CNY")


# ---------------------------------------------------------------------------------- round trips

PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
CHINESE = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF) | st.sampled_from("𠮷㐀𰻝（）·")
LABEL = st.none() | st.text(PRINTABLE, min_size=1, max_size=8)


@st.composite
def merchant_payloads(draw: st.DrawFn) -> MerchantPayload:
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    minor = draw(st.integers(min_value=1, max_value=9_999_999_999))
    accounts = [qr.code_account(draw(st.from_regex(r"[0-9a-zA-Z_]{1,40}", fullmatch=True)))]
    if draw(st.booleans()):
        accounts.insert(0, DataObject("15", draw(st.text(PRINTABLE, min_size=1, max_size=20))))
    others = draw(st.lists(st.sampled_from(["55", "65", "79"]), unique=True).map(sorted))
    return MerchantPayload(
        initiation=draw(st.none() | st.sampled_from(PointOfInitiation)),
        merchant_accounts=tuple(accounts),
        merchant_category_code=draw(st.from_regex(r"[0-9]{4}", fullmatch=True)),
        currency=currency,
        merchant_name=draw(st.text(PRINTABLE, min_size=1, max_size=25)),
        merchant_city=draw(st.text(PRINTABLE, min_size=1, max_size=15)),
        amount=draw(st.sampled_from([None, Money(minor, currency)])),
        country=draw(st.from_regex(r"[A-Z]{2}", fullmatch=True)),
        postal_code=draw(LABEL),
        additional=draw(
            st.none()
            | st.builds(
                AdditionalData,
                bill_number=st.text(PRINTABLE, min_size=1, max_size=25),
                store_label=LABEL,
                reference_label=LABEL,
                terminal_label=LABEL,
            )
        ),
        localized=draw(
            st.none()
            | st.builds(
                LocalizedMerchant,
                name=st.text(CHINESE, min_size=1, max_size=25),
                city=st.none() | st.text(CHINESE, min_size=1, max_size=15),
                language=st.sampled_from(["ZH", "zh"]),
            )
        ),
        other=tuple(DataObject(object_id, "02") for object_id in others),
    )


@given(merchant_payloads())
def test_what_is_encoded_is_parsed_to_the_same_facts(payload: MerchantPayload) -> None:
    text = qr.encode_payload(payload)
    parsed = qr.parse_payload(text)
    assert parsed == payload
    assert qr.encode_payload(parsed) == text


@given(merchant_payloads(), st.randoms(use_true_random=False))
def test_order_of_objects_does_not_change_the_facts(
    payload: MerchantPayload, random: Random
) -> None:
    first, *rest = data_objects.parse_objects(qr.encode_payload(payload))
    random.shuffle(rest)
    assert qr.parse_payload(data_objects.write_objects([first, *rest])) == payload


# -------------------------------------------------------------------------------------- refusals


def parse_or_refuse(text: str) -> None:
    """Anything but a result or an `InvalidField` about the payload fails the test."""
    try:
        qr.find_code_id(qr.parse_payload(text))
    except InvalidField as refusal:
        assert refusal.field.startswith("payload")  # noqa: PT017 - either answer is right
        # A refusal must be able to leave the house, whatever was sent.
        refusal.detail.encode()


ANY_TEXT = st.text(st.characters(exclude_categories=()))
OBJECT = st.builds(
    lambda object_id, value: f"{object_id}{len(value):02d}{value}",
    st.from_regex(r"[0-9]{2}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.from_regex(r"(0[0-9]0[1-9][0-9A-Z.]{1,9}){1,3}", fullmatch=True),
)


@given(ANY_TEXT)
def test_arbitrary_text_is_never_a_crash(text: str) -> None:
    parse_or_refuse(text)


@given(ANY_TEXT)
def test_arbitrary_text_behind_a_right_start_and_check_sum_is_never_a_crash(text: str) -> None:
    parse_or_refuse("000201" + text)
    parse_or_refuse(sealed("000201" + text.encode(errors="replace").decode()))


@given(st.lists(OBJECT, max_size=12))
def test_arbitrary_objects_are_never_a_crash(objects: list[str]) -> None:
    parse_or_refuse(sealed("000201" + "".join(objects)))


@given(st.data())
def test_a_changed_character_is_never_a_crash_and_never_unnoticed(data: st.DataObject) -> None:
    text = qr.encode_payload(NOODLE_SHOP)
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(
        st.characters(exclude_categories=["Cs"]).filter(lambda c: c != text[position])
    )
    changed = text[:position] + other + text[position + 1 :]
    parse_or_refuse(sealed(changed[:-8]))
    if len(other.encode()) == len(text[position].encode()) == 1:
        # A burst of at most 16 bits is always seen by this check sum.
        refused_field(changed)


@given(st.integers(min_value=0, max_value=10_000))
def test_a_cut_payload_is_refused(length: int) -> None:
    text = qr.encode_payload(NOODLE_SHOP)
    refused_field(text[: length % len(text)])


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("000201", "000202", "payload.00"),
        ("000201", "", "payload.00"),
        ("010212", "010213", "payload.01"),
        ("010212", "01020A", "payload.01"),
        ("010212", "010212010212", "payload.01"),
        ("0032977f", "0232977f", "payload.26.00"),
        ("26750032", "26750099", "payload.26.00"),
        ("52045812", "520458a2", "payload.52"),
        ("52045812", "520458１2", "payload.52"),
        ("52045812", "5203581", "payload.52"),
        ("52045812", "", "payload.52"),
        ("5303156", "5303999", "payload.53"),
        ("5303156", "", "payload.53"),
        ("540518.50", "54040.00", "payload.54"),
        ("540518.50", "540618.505", "payload.54"),
        ("540518.50", "5405-8.50", "payload.54"),
        ("540518.50", "540518,50", "payload.54"),
        ("540518.50", "5401.", "payload.54"),
        ("540518.50", "541412345678901.50", "payload.54"),
        ("540518.50", "5400", "payload.54"),
        ("5802CN", "5802cn", "payload.58"),
        ("5802CN", "58021A", "payload.58"),
        ("5802CN", "", "payload.58"),
        ("5917LAO ZHANG NOODLES", "5926" + "N" * 26, "payload.59"),
        ("5917LAO ZHANG NOODLES", "5905老张刀削面", "payload.59"),
        ("5917LAO ZHANG NOODLES", "", "payload.59"),
        ("6007TAIYUAN", "6016" + "T" * 16, "payload.60"),
        ("6007TAIYUAN", "", "payload.60"),
        ("62350111B20250612-7", "62350112B20250612-7", "payload.62.01"),
        ("0303S01", "0103S01", "payload.62.01"),
        ("0303S01", "0303S\n1", "payload.62.03"),
        ("0105老张刀削面", "0305老张刀削面", "payload.64.01"),
        ("0002ZH", "0302ZH", "payload.64.00"),
        ("0002ZH", "0002中文", "payload.64.00"),
        ("0105老张刀削面", "0105老张\u202e削面", "payload.64.01"),
        ("0105老张刀削面", "0105老张\u200b削面", "payload.64.01"),
        ("64210002ZH", "92210302ZH", "payload.92.00"),
        ("6007", "60 7", "payload.59"),
    ],
)
def test_malformed_object_is_refused_by_name(old: str, new: str, field: str) -> None:
    body = qr.encode_payload(NOODLE_SHOP)[:-8]
    assert body.count(old) == 1
    assert refused_field(sealed(body.replace(old, new))) == field


def test_wrong_check_sum_is_refused_as_object_63() -> None:
    text = qr.encode_payload(NOODLE_SHOP)
    wrong = "0000" if text[-4:] != "0000" else "0001"
    assert refused_field(text[:-4] + wrong) == "payload.63"
    assert refused_field(text[:-4] + "中文字符") == "payload.63"
    assert refused_field(text[:-8]) == "payload.63"
    assert refused_field(text + "9903abc") == "payload.63"


def test_half_a_surrogate_pair_is_refused() -> None:
    assert refused_field("000201\ud800") == "payload"


def test_payload_over_512_bytes_is_refused_both_ways() -> None:
    body = "000201" + "".join(f"{object_id:02d}99{'A' * 99}" for object_id in range(2, 7))
    assert refused_field(sealed(body)) == "payload"
    accounts = tuple(DataObject(f"{object_id:02d}", "A" * 99) for object_id in range(2, 7))
    assert refused_facts(replace(NOODLE_SHOP, merchant_accounts=accounts)) == "payload"


def test_payload_of_exactly_512_bytes_is_read_and_one_more_is_not() -> None:
    plain = replace(NOODLE_SHOP, merchant_accounts=(), additional=None, localized=None)
    base = len(qr.encode_payload(replace(plain, merchant_accounts=(DataObject("02", "A"),)))) - 5
    room = 512 - base - 4 * 103 - 4
    accounts = [DataObject(f"{object_id:02d}", "A" * 99) for object_id in (2, 3, 4, 5)]
    full = replace(plain, merchant_accounts=(*accounts, DataObject("06", "A" * room)))
    assert len(qr.encode_payload(full)) == 512
    assert qr.parse_payload(qr.encode_payload(full)) == full
    over = replace(plain, merchant_accounts=(*accounts, DataObject("06", "A" * (room + 1))))
    assert refused_facts(over) == "payload"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": Money(0, "CNY")}, "payload.54"),
        ({"amount": Money(-1, "CNY")}, "payload.54"),
        ({"amount": Money(1, "USD")}, "payload.54"),
        ({"amount": Money(10**13, "CNY")}, "payload.54"),
        ({"currency": "XXX", "amount": None}, "payload.53"),
        ({"country": "cn"}, "payload.58"),
        ({"merchant_name": "老张刀削面"}, "payload.59"),
        ({"merchant_name": ""}, "payload.59"),
        ({"merchant_city": "T" * 16}, "payload.60"),
        ({"merchant_category_code": "٥٨١٢"}, "payload.52"),
        ({"postal_code": "0" * 11}, "payload.61"),
        ({"merchant_accounts": ()}, "payload"),
        ({"merchant_accounts": (DataObject("59", "A"),)}, "payload"),
        ({"merchant_accounts": (DataObject("26", "A"),)}, "payload.26"),
        ({"merchant_accounts": (DataObject("26", "0101A"),)}, "payload.26.00"),
        ({"other": (DataObject("59", "A"),)}, "payload.59"),
        ({"other": (DataObject("６5", "A"),)}, "payload"),
        ({"other": (DataObject("65", "A"), DataObject("65", "B"))}, "payload.65"),
        ({"additional": AdditionalData(bill_number="B" * 26)}, "payload.62.01"),
        ({"additional": AdditionalData(reference_label="参考")}, "payload.62.05"),
        ({"additional": AdditionalData(other=(DataObject("05", "A"),))}, "payload.62.05"),
        ({"additional": AdditionalData()}, "payload.62"),
        ({"localized": LocalizedMerchant(name="老" * 26)}, "payload.64.01"),
        ({"localized": LocalizedMerchant(name="老\ud800")}, "payload.64.01"),
        ({"localized": LocalizedMerchant(name="e\u0301")}, "payload.64.01"),
        ({"localized": LocalizedMerchant(name="老", language="中文")}, "payload.64.00"),
        ({"localized": LocalizedMerchant(name="老", city="太" * 16)}, "payload.64.02"),
        (
            {"localized": LocalizedMerchant(name="老", other=(DataObject("02", "A"),))},
            "payload.64.02",
        ),
    ],
)
def test_facts_that_break_the_standard_are_not_encoded(
    change: dict[str, object], field: str
) -> None:
    assert refused_facts(replace(NOODLE_SHOP, **change)) == field  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------ our template


@pytest.mark.parametrize("code_id", ["", "a" * 60, "qr-1", "码", "qr 1", "１"])
def test_code_id_of_another_shape_is_refused(code_id: str) -> None:
    with pytest.raises(InvalidField) as caught:
        qr.code_account(code_id)
    assert caught.value.field == "payload.26.01"


def test_longest_code_id_fills_the_template_to_99_characters() -> None:
    assert len(qr.code_account("a" * qr.CODE_ID_LENGTH_MAX).value) == 99


@pytest.mark.parametrize("template_id", ["25", "52", "2", "٢٦"])
def test_account_template_outside_26_to_51_is_refused(template_id: str) -> None:
    with pytest.raises(InvalidField) as caught:
        qr.code_account(CODE_ID, template_id=template_id)
    assert caught.value.field == "payload"


def test_code_of_another_payment_system_has_no_code_id() -> None:
    foreign = replace(NOODLE_SHOP, merchant_accounts=(DataObject("29", "0012D156000000000102AB"),))
    assert qr.find_code_id(foreign) is None
    with pytest.raises(InvalidField) as caught:
        qr.get_code_id(foreign)
    assert caught.value.field == "payload"


def test_shared_code_is_found_among_templates_of_others() -> None:
    shared = replace(
        NOODLE_SHOP,
        merchant_accounts=(
            DataObject("26", "0012D156000000000102AB"),
            qr.code_account(CODE_ID, template_id="51"),
        ),
    )
    assert qr.get_code_id(qr.parse_payload(qr.encode_payload(shared))) == CODE_ID


def test_second_template_of_ours_is_refused() -> None:
    doubled = replace(
        NOODLE_SHOP,
        merchant_accounts=(qr.code_account(CODE_ID), qr.code_account("qr_2", template_id="27")),
    )
    with pytest.raises(InvalidField) as caught:
        qr.find_code_id(qr.parse_payload(qr.encode_payload(doubled)))
    assert caught.value.field == "payload.27"


def test_our_template_without_a_code_id_is_refused() -> None:
    empty = replace(
        NOODLE_SHOP, merchant_accounts=(DataObject("26", f"0032{qr.HUITONG_IDENTIFIER}"),)
    )
    with pytest.raises(InvalidField) as caught:
        qr.find_code_id(empty)
    assert caught.value.field == "payload.26.01"
