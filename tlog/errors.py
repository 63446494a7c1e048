"""Every error the project raises, named after its outcome. `tlog/http/problem.py` maps them to HTTP.

Three families:

* `Malformed` — a parser refused its input. The only errors that leave a parser.
* `VerificationFailed` — well-formed input that does not prove what it claims. `check` names the failed check.
* `ServiceError` — the log or a witness could not do what was asked, and says why.
"""

from __future__ import annotations

from dataclasses import dataclass


class TlogError(Exception):
    """Base of every error of this project."""


# --- parsers -----------------------------------------------------------------------------------------------


class Malformed(TlogError):
    """Input that breaks its format. The message says what was wrong and where."""


class MalformedNote(Malformed):
    """Not a signed note (C2SP signed-note)."""


class MalformedKey(Malformed):
    """Not an acceptable verifier key: bad vkey, wrong key ID, unknown type, or a weak point."""


class MalformedCheckpoint(Malformed):
    """Not a checkpoint (C2SP tlog-checkpoint)."""


class MalformedCosignature(Malformed):
    """Not a cosignature (C2SP tlog-cosignature)."""


class MalformedTile(Malformed):
    """Not a tile, entry bundle or tile path (C2SP tlog-tiles)."""


class MalformedProof(Malformed):
    """Not a proof file (C2SP tlog-proof)."""


class MalformedPolicy(Malformed):
    """Not a policy file (C2SP tlog-policy)."""


class MalformedRequest(Malformed):
    """Not an add-checkpoint request or answer (C2SP tlog-witness)."""


class MalformedAnswer(Malformed):
    """Not an answer of a log's HTTP interface."""


class CursorInvalid(Malformed):
    """Not the cursor of a page of this look-up: it belongs to other filters, or is none."""


class MalformedDisclosure(Malformed):
    """Not a disclosure (RFC 9901 section 4.2) or not a sealed part."""


class MalformedEvidence(Malformed):
    """An evidence file that is not acceptable."""


class MalformedSubjectAccess(Malformed):
    """Not an export for a data subject."""


class MalformedRecord(Malformed):
    """Not an erasure record."""


class MalformedToken(Malformed):
    """Not a signed token (RFC 7515 compact serialization) whose header and claims are JSON objects."""


class MalformedProviderAnswer(Malformed):
    """Not an answer that OpenID Connect or OAuth 2.0 lets an identity provider give."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a bad entry. `path` is a JSON-path-like place (`[3].actor.id`; empty for the whole)."""

    path: str
    message: str


class EntryInvalid(Malformed):
    """An audit entry, or a batch of them, breaks the schema. `faults` lists every fault found.

    `more`: the search ended at a limit, and there may be others.
    """

    def __init__(self, faults: list[Fault], more: bool = False) -> None:
        self.faults = faults
        self.more = more
        super().__init__("; ".join(f"{f.path or 'entry'}: {f.message}" for f in faults))

    def __reduce__(self) -> tuple[type[EntryInvalid], tuple[list[Fault], bool]]:
        return EntryInvalid, (self.faults, self.more)  # It comes back from sealing processes.


# --- verifiers ---------------------------------------------------------------------------------------------


class VerificationFailed(TlogError):
    """A claim that does not hold. `check` is a short name of the failed check, for people and scripts."""

    check = "verification"


class SignatureInvalid(VerificationFailed):
    """A signature by a known key does not verify; the whole note is rejected (signed-note)."""

    check = "signature"


class NoTrustedSignature(VerificationFailed):
    """No signature by a trusted key."""

    check = "log signature"


class OriginUnknown(VerificationFailed):
    """The checkpoint's origin is not one we know."""

    check = "origin"


class QuorumNotMet(VerificationFailed):
    """Too few witnesses cosigned."""

    check = "witness quorum"


class InclusionInvalid(VerificationFailed):
    """The inclusion proof does not lead from the leaf hash to the root hash."""

    check = "inclusion"


class ConsistencyInvalid(VerificationFailed):
    """The consistency proof does not connect the two root hashes."""

    check = "consistency"


class TileInvalid(VerificationFailed):
    """A tile or bundle that does not hash to the checkpoint it was read under."""

    check = "tile"


class BracketInvalid(VerificationFailed):
    """What is said of when an entry was logged does not follow from the checkpoints."""

    check = "time bracket"


class LeafMismatch(VerificationFailed):
    """The disclosures do not hash to the leaf."""

    check = "leaf"


class DecryptionFailed(VerificationFailed):
    """A sealed part or wrapped key that does not open under the key given."""

    check = "decryption"


class TokenInvalid(VerificationFailed):
    """A token of the identity provider that does not hold here: its signature, issuer, audience or times."""

    check = "token"


class TokenKeyUnknown(TokenInvalid):
    """A token signed under a key that the identity provider does not publish, as far as is known here."""


# --- services ----------------------------------------------------------------------------------------------


class ServiceError(TlogError):
    """The log or witness could not do what was asked."""


class NotFound(ServiceError):
    """No such entry, tile, checkpoint or proof."""


class NotShown(NotFound):
    """There is one, and whoever asks may not know of it: answered as if there were none, logged as denied."""


class BareLeaf(NotFound):
    """A leaf whose producer sealed it and holds its entry."""


class Expired(ServiceError):
    """The entry's retention period is over: of it there is an index and a leaf. `act` numbers the expiry, 0 where that
    is not known."""

    def __init__(self, message: str, act: int = 0) -> None:
        self.act = act
        super().__init__(message)


class OutOfRange(ServiceError):
    """An index or size beyond the tree."""


class Conflict(ServiceError):
    """The request contradicts what is stored: an `id` or `seq` used for something else."""


class BadRequest(ServiceError):
    """A request that can't be meant as it stands. The message says which field; it quotes nothing."""


class Held(ServiceError):
    """A legal hold, or a ground of Art. 17(3) GDPR, protects what should be destroyed; nothing was changed."""


class Damaged(ServiceError):
    """A stored entry does not open, so that its digests can't be kept; nothing was destroyed."""


class Unauthorized(ServiceError):
    """No credential, or one that is not known."""


class TokenRefused(Unauthorized):
    """A token of the identity provider was brought, and does not hold here."""


class Forbidden(ServiceError):
    """A known credential that may not do this."""


class NoRole(Forbidden):
    """The identity provider vouches for somebody to whom no role of this log is mapped."""


class LoginRefused(ServiceError):
    """A login that did not end well: the identity provider refused, or its answer is not to this browser's login."""


class ProviderFailed(ServiceError):
    """The identity provider does not answer, or not as its specification says."""


class TooLarge(ServiceError):
    """Over a size limit. The message states the limit in bytes."""


class Overloaded(ServiceError):
    """The queue is full; nothing was stored. Ask again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class TooManyRequests(Overloaded):
    """One client asked for more than its share; nothing was stored."""


class Unavailable(ServiceError):
    """The service cannot answer now: starting, stopping, or its storage fails."""


class Locked(Unavailable):
    """Somebody else holds what is needed, longer than was to be waited for."""


class NotLogged(Unavailable):
    """A read or an administrative act could not be logged, so it was not served."""


class LogHalted(Unavailable):
    """The log stopped signing and appending for a reason that needs a person (a rolled-back database)."""


class ConcurrentUpdate(ServiceError):
    """A compare-and-swap lost: another process changed the same row."""


class StorageFault(ServiceError):
    """The store failed, or holds what it must not hold."""


class ConfigurationInvalid(ServiceError):
    """A setting, key file or folder that cannot be used. The message says which and how to mend it."""


class ClockBehind(ServiceError):
    """The clock reads less than a time already signed."""
