"""What is kept encrypted, by the key-encryption-key."""

from __future__ import annotations

from cryptography.fernet import Fernet, MultiFernet


def sealing(keys: str) -> MultiFernet:
    """Seals and opens.

    Args:
        keys: Fernet keys, separated by commas: the first seals, any opens, so it can be changed.
    """
    return MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
