"""Whom the clients of this process trust over TLS."""

import ssl
from functools import cache

import httpx


@cache
def load_trust() -> ssl.SSLContext:
    """Return the authorities that httpx trusts by default, read once for each process.

    Pass it as `verify`. A client that is given none reads them anew, which takes longer than most
    requests: some 30 ms of processor time.
    """
    return httpx.create_ssl_context()
