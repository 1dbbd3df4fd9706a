"""Clients share one context of TLS, which still checks everything."""

import ssl

from huitong.kernel.trust import load_trust


def test_is_read_once_and_checks_certificates_and_names() -> None:
    trust = load_trust()
    assert load_trust() is trust
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert trust.cert_store_stats()["x509_ca"] > 50
