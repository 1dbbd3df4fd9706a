"""Comparing the names of account holders."""

import unicodedata


def fold_name(name: str) -> str:
    """Return what of a name is compared: wide letters, case and spaces do not matter."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
