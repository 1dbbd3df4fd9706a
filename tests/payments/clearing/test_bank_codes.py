import pytest

from huitong.kernel.errors import InvalidField
from huitong.payments import clearing

# Head offices as their banks print them: ICBC, ABC, BOC, CCB, BoCom, CITIC, CEB, CMB.
KNOWN = (
    "102100099996",
    "103100000026",
    "104100000004",
    "105100000017",
    "301290000007",
    "302100011000",
    "303100000006",
    "308584000013",
)


@pytest.mark.parametrize("code", KNOWN)
def test_known_codes_have_the_right_check_digit(code: str) -> None:
    clearing.check_bank_code(code, field="code")
    assert clearing.compute_check_digit(code[:11]) == int(code[11])


@pytest.mark.parametrize("code", KNOWN)
def test_any_single_wrong_digit_is_found(code: str) -> None:
    for place in range(12):
        for digit in "0123456789":
            wrong = code[:place] + digit + code[place + 1 :]
            if wrong != code:
                with pytest.raises(InvalidField):
                    clearing.check_bank_code(wrong, field="code")


@pytest.mark.parametrize("code", ["", "10210009999", "1021000999966", "10210009999x", "１" * 12])
def test_other_shapes_are_refused_by_name(code: str) -> None:
    with pytest.raises(InvalidField) as caught:
        clearing.check_bank_code(code, field="debtor")
    assert caught.value.field == "debtor"


def test_a_body_of_another_length_has_no_check_digit() -> None:
    with pytest.raises(ValueError, match="11 digits"):
        clearing.compute_check_digit("1234")
