"""What happens at a clinic and a shop, as tables: acts, and the episodes they make up.

An episode is a few acts on one person's data within minutes, under one trace id: a visit, an order, a subject
access request. How often one happens is its weight. Names of actions, policies and retention classes are
what such services would use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from tlog.audit.fields import Crud

Details = Callable[[Random], dict[str, Any]]
CONTRACT: Final = "GDPR Art. 6(1)(b)"
LEGAL_DUTY: Final = "GDPR Art. 6(1)(c)"
VITAL_INTEREST: Final = "GDPR Art. 9(2)(c)"
INTEREST: Final = "GDPR Art. 6(1)(f)"
CARE: Final = "GDPR Art. 9(2)(h)"
CONSENT: Final = "GDPR Art. 6(1)(a)"


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of entry. `roles` can do it; `denied` and `failed` are chances; `fields` of the person's data are seen.

    `people` is how many data subjects one entry names, drawn between the two; (0, 0) for none.
    """

    action: str
    crud: Crud
    roles: tuple[str, ...]
    purpose: str
    legal_basis: str
    policy: str
    target: str
    fields: tuple[str, ...] = ()
    people: tuple[int, int] = (1, 1)
    details: Details | None = None
    granted_by: str | None = None
    retention: str = "standard"
    denied: float = 0.02
    failed: float = 0.01


@dataclass(frozen=True, slots=True)
class Episode:
    """Acts that follow each other, at one source."""

    name: str
    source: str
    weight: float
    acts: tuple[Act, ...]


def _ward(random: Random) -> dict[str, Any]:
    return {"ward": random.choice(("cardiology", "surgery", "paediatrics", "oncology")), "bed": random.randrange(1, 40)}


def _prescription(random: Random) -> dict[str, Any]:
    drug = random.choice(("amoxicillin", "ibuprofen", "metformin", "ramipril"))
    return {"drug": drug, "milligrams": random.choice((5, 200, 500)), "days": random.randrange(3, 30)}


def _emergency(random: Random) -> dict[str, Any]:
    reason = random.choice(("unconscious on arrival", "cardiac arrest", "severe allergic reaction"))
    return {"break_glass": True, "reason": reason, "review_within_hours": 24}


def _order(random: Random) -> dict[str, Any]:
    return {"items": random.randrange(1, 6), "total_cents": random.randrange(499, 25_000), "currency": "EUR"}


def _export(random: Random) -> dict[str, Any]:
    return {"format": random.choice(("csv", "parquet")), "rows": random.randrange(200, 20_000), "pseudonymised": True}


def _job(random: Random) -> dict[str, Any]:
    return {"run": random.randrange(10_000, 99_999), "records": random.randrange(5, 400), "dry_run": False}


def _request(random: Random) -> dict[str, Any]:
    return {"channel": random.choice(("e-mail", "letter", "portal")), "due_days": 30}


_CARERS = ("physician", "nurse")
_READ = Act(
    "patient.record.read", "read", _CARERS, "treatment", CARE, "care-team-only", "record", ("anamnesis", "allergies"),
    denied=0.06, retention="clinical",
)  # fmt: skip
_CHECK_IN = Act(
    "visit.check-in", "create", ("receptionist",), "admission", CARE, "front-desk", "visit",
    ("address", "insurance"), details=_ward, retention="clinical",
)  # fmt: skip
_VITALS = Act(
    "patient.vitals.record", "create", ("nurse",), "treatment", CARE, "care-team-only", "record", ("vitals",),
    retention="clinical",
)  # fmt: skip
_PRESCRIBE = Act(
    "prescription.create", "create", ("physician",), "treatment", CARE, "prescriber-licence", "prescription",
    ("medication",), details=_prescription, retention="clinical", denied=0.03,
)  # fmt: skip
_LAB_ORDER = Act(
    "lab.order.create", "create", ("physician",), "diagnosis", CARE, "care-team-only", "lab-order", ("blood",),
    retention="clinical",
)  # fmt: skip
_LAB_RESULT = Act(
    "lab.result.receive", "update", ("lab-gateway", "lab-technician"), "diagnosis", CARE, "lab-interface",
    "lab-order", ("blood",), retention="clinical", failed=0.06,
)  # fmt: skip
_INVOICE = Act(
    "invoice.create", "create", ("billing-clerk",), "billing", LEGAL_DUTY, "billing", "invoice", ("insurance",),
    retention="accounting",
)  # fmt: skip
_BREAK_GLASS = Act(
    "patient.record.break-glass", "read", ("physician",), "emergency treatment", VITAL_INTEREST, "break-glass",
    "record", ("anamnesis", "allergies", "medication"), details=_emergency, granted_by="rule:emergency-override",
    retention="clinical", denied=0.0, failed=0.0,
)  # fmt: skip
_BREAK_GLASS_REVIEW = Act(
    "break-glass.review", "update", ("records-officer",), "review of emergency access", LEGAL_DUTY,
    "second-pair-of-eyes", "review", retention="clinical",
)  # fmt: skip
_CLINIC_EXPORT = Act(
    "registry.export", "read", ("records-officer",), "cancer registry report", LEGAL_DUTY, "registry-act", "export",
    ("diagnosis",), people=(4, 12), details=_export, granted_by="role:head-of-records",
)  # fmt: skip
_RETENTION_JOB = Act(
    "retention.purge", "delete", ("retention-job",), "storage limitation", LEGAL_DUTY, "retention-schedule", "job",
    people=(0, 0), details=_job, failed=0.05,
)  # fmt: skip
_BROWSE = Act(
    "customer.profile.read", "read", ("support-agent",), "customer service", CONTRACT, "open-ticket-required",
    "profile", ("address", "e-mail"), denied=0.07, retention="short",
)  # fmt: skip
_ORDER = Act(
    "order.create", "create", ("checkout",), "order fulfilment", CONTRACT, "shop-terms", "order",
    ("address", "basket"), details=_order, failed=0.04, retention="accounting",
)  # fmt: skip
_PAYMENT = Act(
    "payment.capture", "create", ("checkout",), "payment", CONTRACT, "shop-terms", "payment", ("card-token",),
    details=_order, failed=0.08, denied=0.03, retention="accounting",
)  # fmt: skip
_SHIP = Act(
    "shipment.label.print", "create", ("warehouse-clerk",), "order fulfilment", CONTRACT, "warehouse", "shipment",
    ("name", "address"), retention="short",
)  # fmt: skip
_ADDRESS = Act(
    "customer.address.change", "update", ("support-agent",), "customer service", CONTRACT, "open-ticket-required",
    "profile", ("address",), retention="short",
)  # fmt: skip
_FRAUD = Act(
    "fraud.case.open", "create", ("fraud-analyst",), "fraud prevention", INTEREST, "fraud-desk", "case",
    ("payments", "devices"), people=(1, 4),
)  # fmt: skip
_NEWSLETTER = Act(
    "newsletter.send", "read", ("mailer",), "direct marketing", CONSENT, "consent-required", "campaign", ("e-mail",),
    people=(3, 9), details=_job, denied=0.1, retention="short",
)  # fmt: skip
_MARKETING_EXPORT = Act(
    "analytics.export", "read", ("marketing-analyst",), "sales statistics", INTEREST, "pseudonymised-only", "export",
    ("basket",), people=(3, 10), details=_export, granted_by="role:head-of-marketing", denied=0.2,
)  # fmt: skip
_BILLING_RUN = Act(
    "billing.run", "update", ("billing-job",), "billing", LEGAL_DUTY, "billing", "job", ("payments",),
    people=(2, 8), details=_job, failed=0.05, retention="accounting",
)  # fmt: skip
_SAR_STEPS: Final[tuple[tuple[str, Crud, tuple[str, ...]], ...]] = (
    ("open", "create", ("identity",)),
    ("collect", "read", ("profile", "orders", "payments")),
    ("answer", "update", ("profile", "orders", "payments")),
)
_SAR = tuple(
    Act(
        f"access-request.{step}", crud, ("privacy-officer",), "subject access request", LEGAL_DUTY, "gdpr-article-15",
        "access-request", seen, details=_request,
    )
    for step, crud, seen in _SAR_STEPS
)  # fmt: skip

EPISODES: Final = (
    Episode("visit", "clinic", 24, (_CHECK_IN, _READ, _VITALS, _PRESCRIBE, _INVOICE)),
    Episode("ward round", "clinic", 40, (_READ, _VITALS)),
    Episode("laboratory", "clinic", 16, (_READ, _LAB_ORDER, _LAB_RESULT, _READ)),
    Episode("break-glass", "clinic", 2, (_BREAK_GLASS, _VITALS, _BREAK_GLASS_REVIEW)),
    Episode("registry report", "clinic", 1, (_CLINIC_EXPORT,)),
    Episode("retention run", "clinic", 1, (_RETENTION_JOB,)),
    Episode("order", "shop", 48, (_ORDER, _PAYMENT, _SHIP)),
    Episode("support call", "shop", 22, (_BROWSE, _ADDRESS)),
    Episode("support look-up", "shop", 20, (_BROWSE,)),
    Episode("fraud case", "shop", 2, (_BROWSE, _FRAUD)),
    Episode("newsletter", "shop", 2, (_NEWSLETTER,)),
    Episode("statistics", "shop", 1, (_MARKETING_EXPORT,)),
    Episode("billing run", "shop", 2, (_BILLING_RUN,)),
    Episode("subject access request", "shop", 1.5, _SAR),
)
SOURCES: Final = tuple(sorted({episode.source for episode in EPISODES}))
