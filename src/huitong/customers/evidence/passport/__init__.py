"""Reading passports: the two lines for machines (ICAO Doc 9303-4, TD3), out of a picture.

Owns taking the lines apart with their check digits, finding them in a picture in any turn, and the
comparison with what was typed. A picture that cannot be read is a finding, never an exception.
"""

from huitong.customers.evidence.passport.comparison import compare_passport
from huitong.customers.evidence.passport.mrz import MachineZone, MrzField, parse_mrz
from huitong.customers.evidence.passport.reading import PassportReading, read_passport

__all__ = [
    "MachineZone",
    "MrzField",
    "PassportReading",
    "compare_passport",
    "parse_mrz",
    "read_passport",
]
