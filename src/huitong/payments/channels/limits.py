"""Technical limits of channels; those of money and time are in the rulebook."""

from typing import Final

#: What two people can look through, and an approval can hold.
RULES_AT_ONCE_MAX: Final = 50
FEE_TIERS_OF_CHANNEL_MAX: Final = 50
CURRENCIES_OF_CHANNEL_MAX: Final = 50
NAME_LENGTH_MAX: Final = 64
MINOR_MAX: Final = 10**15
PRIORITY_MAX: Final = 1_000
INSTRUMENT_LENGTH_MAX: Final = 128
#: An IBAN has 34.
BANK_ACCOUNT_LENGTH_MAX: Final = 34
#: Fewer than one in a million is not a fee: `NUMERIC(9,6)`.
RATE_PLACES: Final = 6
MESSAGE_BYTES_MAX: Final = 65_536
#: Of the file of a day, which the simulator keeps in memory.
SIMULATED_DELAY_SECONDS_MAX: Final = 60.0
SIMULATED_CALLBACKS_AT_ONCE_MAX: Final = 1_000
SIMULATED_RATES_SEED: Final = 20_261_126
