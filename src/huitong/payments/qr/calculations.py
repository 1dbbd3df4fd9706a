"""The two check sums of payment codes: one for machines (CRC-16), one for fingers (Damm)."""

from binascii import crc_hqx

# The quasigroup of order 10 from H. Michael Damm, "Total anti-symmetrische Quasigruppen"
# (dissertation, Marburg 2004). Row: check digit so far; column: next digit.
_DAMM_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


def crc16_ccitt_false(data: bytes) -> int:
    """Return the CRC-16/CCITT-FALSE of `data`, 0 to 65535.

    Polynomial x^16 + x^12 + x^5 + 1 (0x1021), initial value 0xFFFF, nothing reflected, nothing
    inverted at the end: what EMV QRCPS Merchant-Presented Mode asks for in data object 63.
    Worked number: of the nine ASCII digits `123456789` it is 0x29B1.
    """
    return crc_hqx(data, 0xFFFF)


def damm_check_digit(digits: str) -> int:
    """Return the digit that makes `digits` self-checking, 0 to 9.

    c(0) = 0, c(i) = T[c(i-1)][d(i)]; a text that already ends with its check digit gives 0.
    T is totally anti-symmetric with a zero diagonal, so that every single wrong digit and every
    swap of two neighbours is seen; Luhn's sum lets 09 and 90 be swapped. Worked number: of 572
    it is 4.
    """
    check = 0
    for digit in digits:
        check = _DAMM_TABLE[check][int(digit)]
    return check
