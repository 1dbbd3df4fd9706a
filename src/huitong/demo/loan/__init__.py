"""A loan from the application to the last fen: decided, read, signed, paid late once, paid off.

Owns the story (`play_loan`). Everything is done over the API, by a shop owner and a second
applicant with telephones and by staff with two factors; the operator closes the days, puts the
platform's clock forward and tells the simulated bureau whom it knows.
"""

from huitong.demo.loan.story import SCENES, SCOPES, play_loan

__all__ = ["SCENES", "SCOPES", "play_loan"]
