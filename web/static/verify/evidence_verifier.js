/**
 * Verify an evidence file under a trust policy in the browser: no network, no clock. The checks are those of
 * `tlog/client/evidence_verifier.py`, in the same order, and the first that fails has the same name. Where the log can
 * be asked, what it serves now is compared with the evidence besides.
 */
import { checkpointSteps } from "./checkpoint_steps.js";
import { entrySteps } from "./entry_steps.js";
import { hashes, parseEvidence } from "./evidence.js";
import { verifyConsistency } from "./merkle.js";
import { parsePolicy } from "./policy.js";
import { malformed, Refusal } from "./refusal.js";
import { Steps } from "./steps.js";
import { tileSteps } from "./tile_steps.js";
import { counted } from "./words.js";

/**
 * Verify evidence. `data` and `policy` are bytes; without `policy`, the file's own is used, which is the log's word.
 * `onStep` is called with each step once it is decided (see `steps.js`). With `fetchPath`, which takes a path below the
 * log's address ("checkpoint", "tile/0/000.p/7") and returns its bytes, or null where the log has none, the log's tiles
 * are compared too.
 *
 * Return {passed, failure, steps, evidence, policy, entries}: `failure` is the first failed step or null; `evidence`
 * and `policy` are null where they could not be read; `entries` are those of `entrySteps`, true only if `passed`.
 */
export async function verifyEvidence(data, { policy = null, onStep = undefined, fetchPath = null } = {}) {
  const steps = new Steps(onStep);
  if (!globalThis.crypto?.subtle) return unable(steps);
  const form = await steps.take({ name: "file form" }, () => formOf(data));
  const trusted = await steps.take({ name: "policy", needs: policy ? [] : [form] }, () =>
    policyOf(policy ?? new TextEncoder().encode(form.value.policy), policy === null),
  );
  const entries = form.value ? await verifyParsed(steps, form, trusted, fetchPath) : [];
  return outcome(steps, form.value ?? null, trusted.value ?? null, entries);
}

async function verifyParsed(steps, form, trusted, fetchPath) {
  const evidence = form.value;
  const checkpoints = [];
  for (const [i, note] of evidence.checkpoints.entries()) {
    checkpoints.push(await checkpointSteps(steps, trusted, note, `checkpoint ${i + 1}`));
  }
  const order = await steps.take({ name: "one log, in order", needs: checkpoints }, () =>
    orderOf(evidence, checkpoints),
  );
  const chain = await chainSteps(steps, evidence, checkpoints, order);
  const bySize = new Map(checkpoints.filter(({ value }) => value).map((step) => [step.value.size, step]));
  const entries = [];
  for (const entry of evidence.entries) entries.push(await entrySteps(steps, entry, bySize, [order, ...chain]));
  if (fetchPath) {
    const proved = evidence.entries.map((entry) => [entry, bySize.get(entry.size)]);
    await tileSteps(steps, fetchPath, trusted, proved, [...steps.all]);
  }
  return entries;
}

function formOf(data) {
  const evidence = parseEvidence(data);
  const [checkpoints, entries] = [evidence.checkpoints.length, evidence.entries.length];
  return {
    detail: `tlog-evidence/v1, ${counted(entries, "entry", "entries")}, ${counted(checkpoints, "checkpoint")}`,
    value: evidence,
  };
}

async function policyOf(data, own) {
  const policy = await parsePolicy(data);
  const said = `${counted(policy.logs.length, "log key")}, ${counted(policy.witnesses.length, "witness key")}`;
  return { detail: `${own ? "the log's own, from the file" : "the one you gave"}: ${said}`, value: policy };
}

function orderOf(evidence, checkpoints) {
  requireRising(
    evidence.entries.map(({ index }) => index),
    "entries",
  );
  for (const { value } of checkpoints) {
    if (value.origin !== evidence.origin) {
      throw new Refusal("origin", `a checkpoint is of ${value.origin}, the evidence of ${evidence.origin}`);
    }
  }
  requireRising(
    checkpoints.map(({ value }) => value.size),
    "checkpoints",
  );
  return { detail: `everything is of ${evidence.origin}` };
}

function requireRising(numbers, what) {
  if (numbers.some((number, i) => i && number <= numbers[i - 1])) {
    throw malformed(`evidence: its ${what} are not in rising order, each once`);
  }
}

async function chainSteps(steps, evidence, checkpoints, order) {
  const pairs = checkpoints.slice(1).map((newer, i) => [checkpoints[i], newer]);
  if (evidence.consistency.length !== pairs.length) {
    const wrong = `${checkpoints.length} checkpoints need ${pairs.length} consistency proofs between them`;
    const refuse = () => Promise.reject(new Refusal("consistency", wrong));
    return [await steps.take({ name: "consistency", needs: [order] }, refuse)];
  }
  const taken = [];
  for (const [i, [older, newer]] of pairs.entries()) {
    const subject = older.value && newer.value ? `from ${older.value.size} to ${newer.value.size} leaves` : "";
    taken.push(
      await steps.take({ name: "consistency", subject, needs: [order] }, async () => {
        const [old, now] = [older.value, newer.value];
        await verifyConsistency(old.size, now.size, hashes(evidence.consistency[i]), old.root, now.root);
        return { detail: "the newer tree extends the older" };
      }),
    );
  }
  return taken;
}

async function unable(steps) {
  await steps.take({ name: "this browser" }, () => {
    throw new Refusal("browser", "there is no WebCrypto here: open the page from disk or over https");
  });
  return outcome(steps, null, null, []);
}

function outcome(steps, evidence, policy, entries) {
  return { passed: steps.passed, failure: steps.failure, steps: steps.all, evidence, policy, entries };
}
