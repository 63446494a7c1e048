"""Key-encryption keys (KEK): who wraps the keyring's data keys, and never lets the KEK itself out.

The interface fits a file on this machine, HashiCorp Vault's transit engine (batch `encrypt`/`decrypt` with
`associated_data`) and AWS KMS (`Encrypt`/`Decrypt` with an encryption context):

* **Batches.** A keyring wraps and unwraps many keys at once, so a remote provider needs one round trip, not
  one a key.
* **Context.** Associated data, not secret: a key wrapped under one context does not unwrap under another.
* **Rotation.** A wrapped key names the version of the KEK it was wrapped under, so every version that still
  exists can unwrap what it wrapped, and `is_current` finds what to wrap again.

All methods are synchronous and may block on disk or network: call them off the event loop. They may be
called from several threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class KeyEncryptionProvider(Protocol):
    """Wraps and unwraps data keys under a key-encryption key."""

    @property
    def key_name(self) -> str:
        """What the current version of the KEK is called, for people."""
        ...

    def wrap_many(self, keys: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return each key wrapped under the current version of the KEK, in order.

        Raises Unavailable where a remote provider does not answer.
        """
        ...

    def unwrap_many(self, wrapped: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return the keys, in order; all or none.

        Raises DecryptionFailed for one that was wrapped under another KEK or context, or changed since;
        Unavailable where a remote provider does not answer.
        """
        ...

    def is_current(self, wrapped: bytes) -> bool:
        """Tell whether a key is wrapped under the current version of the KEK. Does not check that it unwraps."""
        ...


def rewrap_many(provider: KeyEncryptionProvider, wrapped: Sequence[bytes], context: bytes) -> list[bytes]:
    """Return the keys wrapped under the current version. Raises what `unwrap_many` and `wrap_many` raise."""
    return provider.wrap_many(provider.unwrap_many(wrapped, context), context)
