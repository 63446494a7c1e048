/** For tests: verify files in one page, and say of each what Python says too. */
import { verifyEvidence } from "../../web/static/verify/evidence_verifier.js";
import { title } from "../../web/static/verify/steps.js";
import { bytesOf } from "../../web/static/verify/encoding.js";

const bytes = (base64) => bytesOf(atob(base64));

globalThis.verdictsOf = async (batch) => {
  const found = [];
  for (const [data, policy] of batch) found.push(verdict(await verifyEvidence(bytes(data), { policy: bytes(policy) })));
  return found;
};

/** Verify a file while a log serves these tiles (base64 by path; null to ask `servedPath`); return the title and reason of the failed step. */
globalThis.failureWithTiles = async (data, policy, served) => {
  const asked = [];
  const fetchPath = async (path) => {
    asked.push(path);
    const found = served === null ? await globalThis.servedPath(path) : (served[path] ?? null);
    if (found === "out of reach") throw new TypeError(found);
    return found === null ? null : bytes(found);
  };
  const { passed, failure, steps } = await verifyEvidence(bytes(data), { policy: bytes(policy), fetchPath });
  const skipped = steps.filter(({ status }) => status === "skipped").length;
  if (passed) return { title: "", check: "", reason: "", asked, skipped };
  return { title: title(failure), check: failure.check, reason: failure.detail, asked, skipped };
};

function verdict({ passed, failure, entries }) {
  if (!passed) return { check: failure.check, reason: `${title(failure)}: ${failure.detail}`, proved: [] };
  return { check: "verified", reason: "", proved: entries.map(proved) };
}

function proved({ entry, fields, after, before }) {
  const text = (number) => (number === null ? null : String(number));
  return [String(entry.index), [...fields.keys()].sort(), entry.digests.length, text(after), text(before)];
}
