"""The schemas: msgspec's JSON Schema of the entry, of what is asked and of what is answered.

So what is described is what is checked. Patterns are Python's; `\\Z` is written `$`, which is what JSON Schema's
dialect (ECMA-262) has.
"""

from __future__ import annotations

import json
from typing import Final

import msgspec

from tlog.audit.entry import Entry
from tlog.audit.evidence import Evidence
from tlog.client.drill_result import DrillResult
from tlog.http.access import AccessBody
from tlog.http.answers.access import AccessPage
from tlog.http.answers.acts import ActAnswer, ActPage, ErasureAnswer, ErasurePage
from tlog.http.answers.drills import DrillLogged, DrillPage, DrillWindowAnswer
from tlog.http.answers.entries import Appended, EntryAnswer, EntryPage, EntryProblem
from tlog.http.answers.holds import HoldList, LiftAnswer
from tlog.http.answers.problem import Problem
from tlog.http.answers.proofs import CheckpointPage, ConsistencyProof, InclusionProof, Ready
from tlog.http.answers.retention import RetentionPlan, RetentionRun
from tlog.http.answers.sources import SourceList
from tlog.http.answers.tokens import IssuedAnswer, TokenAnswer, TokenList
from tlog.http.erasures import ErasureBody
from tlog.http.evidence import EvidenceBody
from tlog.http.holds import HoldBody, LiftBody
from tlog.http.openapi.words import REF, Schema
from tlog.http.retention import RetentionRunBody
from tlog.http.subject_access import ProvedAccess, SubjectAccessBody
from tlog.http.tokens import TokenBody

_ANSWERS: Final = (
    Appended,
    EntryAnswer,
    EntryProblem,
    EntryPage,
    ErasureAnswer,
    ErasurePage,
    RetentionPlan,
    RetentionRun,
    RetentionRunBody,
    HoldList,
    LiftAnswer,
    HoldBody,
    LiftBody,
    ActAnswer,
    ActPage,
    ErasureBody,
    DrillWindowAnswer,
    DrillLogged,
    DrillPage,
    DrillResult,
    Evidence,
    EvidenceBody,
    ProvedAccess,
    SubjectAccessBody,
    InclusionProof,
    ConsistencyProof,
    CheckpointPage,
    Ready,
    AccessPage,
    AccessBody,
    SourceList,
    TokenList,
    TokenAnswer,
    IssuedAnswer,
    TokenBody,
    Problem,
)


def schemas() -> Schema:
    """Return every schema by name."""
    _, schemas = msgspec.json.schema_components((Entry, *_ANSWERS), ref_template=REF + "{name}")
    text = json.dumps(schemas).replace("\\\\Z", "$")
    return dict(json.loads(text))
