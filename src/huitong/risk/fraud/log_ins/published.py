"""Published figures to look at beside ours.

They were measured on other log-ins, so they are not to be compared number by number.
"""

from typing import Any, Final

PUBLISHED: Final[dict[str, Any]] = {
    "source": "Wiefling, Jørgensen, Thunem, Lo Iacono, Pump Up Password Security! Evaluating and "
    "Enhancing Risk-Based Authentication on a Real-World Large-Scale Online Service, ACM TOPS "
    "2022, doi:10.1145/3546069; RESULTS.md of github.com/das-group/rba-dataset at 7135779a45d5",
    "setting": "the model of Freeman et al. (2016) with the IP address, on a synthesized copy of "
    "log-ins to a Norwegian single sign-on service (3.3 million users, February 2020 to February "
    "2021), attackers simulated, at a true positive rate of 0.999. Rates of re-authentication are "
    "published as pictures only; this text gives the relation of risk scores.",
    "risk_score_relation": {"targeted": 8.94, "vpn": 5.05, "naive": 8.48},
}
