/**
 * The steps that verify one signed checkpoint under a policy, as `Policy.verify_checkpoint` of
 * `tlog/formats/trust_policy.py`: form, origin, every signature by a key that the policy lists, the quorum.
 *
 * Signatures by keys that the policy does not list prove nothing and are not counted (signed-note). One that is listed
 * and fails refuses the checkpoint, even where others would do.
 */
import { parseCheckpoint } from "./checkpoint.js";
import { verifySignature } from "./cosignature.js";
import { b64encode, shown } from "./encoding.js";
import { parseNote } from "./note.js";
import { printable } from "./quorum.js";
import { Refusal } from "./refusal.js";
import { counted, keyWords, utc } from "./words.js";

/**
 * Take the steps of one checkpoint. Return the last of them, the quorum's, whose value is {origin, size, root,
 * cosigned (POSIX seconds by witness name), metAt, unseenUntil}.
 */
export async function checkpointSteps(steps, policyStep, text, what) {
  const subject = subjectOf(text, what);
  const form = await steps.take({ name: "checkpoint form", subject, needs: [policyStep] }, () => formOf(text));
  const origin = await steps.take({ name: "origin", subject, needs: [form] }, () =>
    originOf(policyStep.value, form.value.checkpoint),
  );
  const logs = await logSteps(steps, origin, form, subject);
  const witnesses = await witnessSteps(steps, policyStep, origin, form, subject);
  return steps.take({ name: "witness quorum", subject, needs: [origin, ...logs, ...witnesses] }, () =>
    quorumOf(policyStep.value, form.value, witnesses),
  );
}

function subjectOf(text, what) {
  try {
    return `${what} of ${counted(formOf(text).value.checkpoint.size, "leaf", "leaves")}`;
  } catch {
    return what; // its form is the first thing that is checked, and said to be wrong there
  }
}

function formOf(text) {
  const note = parseNote(text);
  const checkpoint = parseCheckpoint(note.text);
  return { detail: `root hash ${b64encode(checkpoint.root)}`, value: { note, checkpoint } };
}

function originOf(policy, { origin }) {
  const keys = policy.keysOf(origin);
  if (!keys.length) throw new Refusal("origin", `the policy lists no log ${shown(origin)}`);
  return { detail: `${origin}, a log of the policy`, keys: keys.map(keyWords), value: keys };
}

async function logSteps(steps, origin, form, subject) {
  const signed = signedBy(form, origin.value ?? []);
  if (signed.length) {
    const taken = [];
    for (const pair of signed) taken.push(await signatureStep(steps, "log signature", subject, form, pair));
    return taken;
  }
  const none = () => {
    const names = [...new Set(form.value.note.signatures.map(({ name }) => shown(name)))].sort().slice(0, 8);
    throw new Refusal("log signature", `no signature by a trusted key; the note names ${names.join(", ") || "no key"}`);
  };
  return [await steps.take({ name: "log signature", subject, needs: [origin] }, none)];
}

async function witnessSteps(steps, policyStep, origin, form, subject) {
  const witnesses = policyStep.value && form.value && origin.status === "passed" ? policyStep.value.witnesses : [];
  const found = [];
  for (const { name, vkey } of witnesses) {
    for (const pair of signedBy(form, [vkey])) {
      const title = `cosignature by ${printable(name)}`;
      const step = await signatureStep(steps, title, subject, form, pair);
      found.push({ ...step, witness: name });
    }
  }
  return found;
}

/** Return [vkey, signature] of each key that the note names. */
function signedBy(form, vkeys) {
  if (!form.value) return [];
  const lines = new Map(form.value.note.signatures.map((signature) => [signature.key, signature]));
  return vkeys.filter(({ key }) => lines.has(key)).map((vkey) => [vkey, lines.get(vkey.key)]);
}

function signatureStep(steps, name, subject, form, [vkey, signature]) {
  return steps.take({ name, subject, needs: [form] }, async () => {
    const keys = [keyWords(vkey)];
    try {
      const time = await verifySignature(vkey, form.value.note.text, signature.value);
      return { detail: time === null ? "verifies" : timeWords(time), keys, value: { time } };
    } catch (error) {
      throw Object.assign(error, { keys });
    }
  });
}

function timeWords(time) {
  return time
    ? `verifies, made at ${utc(time)} by the signer's clock`
    : "verifies, but says no time and is not counted";
}

function quorumOf(policy, { note, checkpoint: { origin, size, root } }, witnesses) {
  const cosigned = new Map(
    witnesses.filter(({ value }) => value.time).map(({ witness, value }) => [witness, value.time]),
  );
  if (!policy.quorumMet([...cosigned.keys()])) {
    throw new Refusal("witness quorum", `quorum ${policy.shortfall(cosigned)}`);
  }
  const value = {
    origin,
    size,
    root,
    cosigned,
    metAt: policy.metAt(cosigned),
    unseenUntil: policy.unseenUntil(cosigned),
  };
  return { detail: quorumWords(policy.report(cosigned)) + ignoredWords(policy, note, origin), value };
}

function quorumWords(report) {
  if (!report) return "the policy wants none";
  const { met, members, needed } = report;
  return `quorum met: ${met.join(", ")} (${met.length} of ${members.length}, ${needed} needed)`;
}

function ignoredWords(policy, note, origin) {
  const listed = new Set([...policy.keysOf(origin), ...policy.witnesses.map(({ vkey }) => vkey)].map(({ key }) => key));
  const ignored = note.signatures.filter(({ key }) => !listed.has(key)).map(({ name }) => shown(name));
  return ignored.length ? `; not counted, because the policy does not list their keys: ${ignored.join(", ")}` : "";
}
