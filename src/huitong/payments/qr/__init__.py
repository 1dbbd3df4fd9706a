"""Payment codes, the pure part: what a merchant's code says, how it looks, and a payer's own code.

A merchant-presented code is an EMVCo text (`encode_payload`, `parse_payload`) that carries the id
of a code of ours (`code_account`, `get_code_id`) and is drawn by `draw_svg` and `draw_png`. A
customer-presented code is twenty digits (`issue_code`, `read_code`). Whether a code exists, was
paid or has expired is for the payments room to know; nothing here touches a database.
"""

from huitong.payments.qr.customer_code import (
    CUSTOMER_CODE_LENGTH,
    CUSTOMER_CODE_PREFIX,
    issue_code,
    read_code,
)
from huitong.payments.qr.emvco import (
    CODE_ID_LENGTH_MAX,
    HUITONG_IDENTIFIER,
    code_account,
    encode_payload,
    find_code_id,
    get_code_id,
    parse_payload,
)
from huitong.payments.qr.pictures import draw_png, draw_svg
from huitong.payments.qr.types import (
    AdditionalData,
    CustomerCode,
    DataObject,
    LocalizedMerchant,
    MerchantPayload,
    Picture,
    PointOfInitiation,
)

__all__ = [
    "CODE_ID_LENGTH_MAX",
    "CUSTOMER_CODE_LENGTH",
    "CUSTOMER_CODE_PREFIX",
    "HUITONG_IDENTIFIER",
    "AdditionalData",
    "CustomerCode",
    "DataObject",
    "LocalizedMerchant",
    "MerchantPayload",
    "Picture",
    "PointOfInitiation",
    "code_account",
    "draw_png",
    "draw_svg",
    "encode_payload",
    "find_code_id",
    "get_code_id",
    "issue_code",
    "parse_payload",
    "read_code",
]
