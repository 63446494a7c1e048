/** For tests: verify files in one page, and say of each what Python says too. */
import { verifyEvidence } from "../../web/static/verify/evidence_verifier.js";
import { bytesOf } from "../../web/static/verify/encoding.js";

const bytes = (base64) => bytesOf(atob(base64));

globalThis.verdictsOf = async (batch) => {
  const found = [];
  for (const [data, policy] of batch) found.push(verdict(await verifyEvidence(bytes(data), bytes(policy))));
  return found;
};

function verdict({ passed, failure, entries }) {
  if (!passed) return { check: failure.check, reason: failure.detail, proved: [] };
  return { check: "verified", reason: "", proved: entries.map(proved) };
}

function proved({ entry, fields, after, before }) {
  const text = (number) => (number === null ? null : String(number));
  return [String(entry.index), [...fields.keys()].sort(), entry.digests.length, text(after), text(before)];
}
