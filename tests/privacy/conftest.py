"""A vault with keys of its own, for each test."""

from pathlib import Path

import pytest

from huitong.kernel.cryptography import KeyRing, load_key_ring
from huitong.privacy import Vault


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return load_key_ring(tmp_path)


@pytest.fixture
def vault(ring: KeyRing) -> Vault:
    return Vault(ring)
