"""A key-encryption key in AWS KMS, a symmetric key that is named by ARN, id or alias.

    wrapped = 0x03 || length of the ARN (2 bytes) || key ARN || CiphertextBlob

KMS has no batches: a batch is a loop with `_PARALLEL` requests at a time. The context is an encryption context.
An alias is resolved when the provider is opened; `is_current` compares the ARN, so pointing the alias (or the
setting) at another key is what rotates. KMS's own yearly rotation keeps the ARN and needs no re-wrapping.

Credentials are found as boto3 finds them (environment, profile, instance role), never in a setting.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from tlog.errors import ConfigurationInvalid, DecryptionFailed, ServiceError, TlogError, Unavailable

_PARALLEL: Final = 8
_FORMAT: Final = b"\x03"
_SECONDS: Final = 10
_UNWRAP_REFUSED: Final = {"InvalidCiphertextException", "IncorrectKeyException"}
_NOT_ALLOWED: Final = {
    "AccessDeniedException",
    "NotFoundException",
    "DisabledException",
    "KMSInvalidStateException",
    "InvalidKeyUsageException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ValidationException",
}
T = TypeVar("T")


class AwsKek:
    """A KeyEncryptionProvider over a KMS key. Safe to use from threads."""

    def __init__(self, key: str, region: str | None = None, endpoint: str | None = None) -> None:
        """Connect and resolve `key`. Raises ConfigurationInvalid, Unavailable."""
        boto3, self._errors, config = _import_boto3()
        settings = config(connect_timeout=_SECONDS, read_timeout=_SECONDS, max_pool_connections=_PARALLEL)
        try:
            self._kms = boto3.session.Session().client(
                "kms", region_name=region, endpoint_url=endpoint, config=settings
            )
        except (self._errors.BotoCoreError, ValueError) as error:
            raise ConfigurationInvalid(f"AWS KMS cannot be used: {type(error).__name__}; see kek.region") from None
        self._arn: str = self._call(lambda: self._kms.describe_key(KeyId=key))["KeyMetadata"]["Arn"]
        self._header = _FORMAT + len(self._arn.encode()).to_bytes(2) + self._arn.encode()

    @property
    def key_name(self) -> str:
        """The ARN of the configured KMS key."""
        return self._arn

    def wrap_many(self, keys: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return each key wrapped under the configured KMS key. Raises Unavailable, ConfigurationInvalid."""
        return self._each(lambda key: self._wrap(key, context), keys)

    def unwrap_many(self, wrapped: Sequence[bytes], context: bytes) -> list[bytes]:
        """Return the keys. Raises DecryptionFailed, Unavailable, ConfigurationInvalid."""
        return self._each(lambda item: self._unwrap(item, context), wrapped)

    def is_current(self, wrapped: bytes) -> bool:
        """Tell whether the key is wrapped under the configured KMS key."""
        return wrapped.startswith(self._header)

    def _wrap(self, key: bytes, context: bytes) -> bytes:
        answer = self._call(
            lambda: self._kms.encrypt(KeyId=self._arn, Plaintext=key, EncryptionContext=_context(context))
        )
        blob: bytes = answer["CiphertextBlob"]
        return bytes(self._header + blob)

    def _unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        length = int.from_bytes(wrapped[1:3])
        arn, blob = wrapped[3 : 3 + length], wrapped[3 + length :]
        if wrapped[:1] != _FORMAT or not arn.isascii() or not arn.startswith(b"arn:") or not blob:
            raise DecryptionFailed("a data key is wrapped under a key-encryption key that is not in AWS KMS")
        answer = self._call(
            lambda: self._kms.decrypt(
                KeyId=arn.decode("ascii"), CiphertextBlob=blob, EncryptionContext=_context(context)
            )
        )
        return bytes(answer["Plaintext"])

    def _each(self, work: Callable[[bytes], bytes], items: Sequence[bytes]) -> list[bytes]:
        if len(items) < 2:
            return [work(item) for item in items]
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="kms") as pool:
            return list(pool.map(work, items))

    def _call(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except self._errors.ClientError as error:
            raise _outcome(str(error.response.get("Error", {}).get("Code", ""))) from None
        except (self._errors.NoCredentialsError, self._errors.ParamValidationError) as error:
            raise ConfigurationInvalid(f"AWS KMS cannot be used: {type(error).__name__}") from None
        except self._errors.BotoCoreError as error:
            raise Unavailable(f"AWS KMS does not answer: {type(error).__name__}") from None


def _outcome(code: str) -> TlogError:
    if code in _UNWRAP_REFUSED:
        return DecryptionFailed("a data key does not unwrap: it was changed, or is used out of place")
    kind: type[ServiceError] = ConfigurationInvalid if code in _NOT_ALLOWED else Unavailable
    return kind(f"AWS KMS refuses: {code if code.isalnum() else 'no code'}")


def _context(context: bytes) -> dict[str, str]:
    return {"tlog": base64.b64encode(context).decode("ascii")}


def _import_boto3() -> tuple[Any, Any, Any]:
    try:
        import boto3  # noqa: PLC0415 - an optional dependency, and slow to import
        import botocore.exceptions  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise ConfigurationInvalid("the KEK provider 'aws-kms' needs boto3: pip install 'tlog-audit[aws]'") from None
    return boto3, botocore.exceptions, Config
