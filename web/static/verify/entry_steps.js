/**
 * The steps that verify one entry of evidence, as `tlog/client/evidence_verifier.py`: which checkpoints are around it,
 * its inclusion, its fields, and between which times it was logged.
 */
import { hashes } from "./evidence.js";
import { leafHash } from "./hashing.js";
import { checkNames, verifyDisclosures } from "./leaf.js";
import { verifyInclusion } from "./merkle.js";
import { Refusal } from "./refusal.js";
import { counted, loggedWords } from "./words.js";

const outside = (message) => new Refusal("time bracket", message);

/**
 * Take the steps of one entry. `bySize` maps sizes to the quorum steps of the checkpoints, `needs` are the steps about
 * the whole file. Return {entry, fields, after, before}: fields by name where the leaf was made, else null.
 */
export async function entrySteps(steps, entry, bySize, needs) {
  const subject = `entry ${entry.index}`;
  const around = await steps.take({ name: "checkpoints around it", subject, needs }, () => aroundOf(entry, bySize));
  const [covering, earlier] = around.value ?? [null, null];
  const proved = covering ? [around, covering] : [around];
  const inclusion = await steps.take({ name: "inclusion", subject, needs: proved }, () =>
    included(entry, covering.value),
  );
  const leaf = await steps.take({ name: "leaf", subject, needs: [] }, () => leafOf(entry));
  const both = [...proved, ...(earlier ? [earlier] : []), inclusion, leaf];
  const bracket = await steps.take({ name: "time bracket", subject, needs: both }, () =>
    bracketOf(entry, covering.value, earlier?.value ?? null),
  );
  return { entry, fields: leaf.value ?? null, ...(bracket.value ?? { after: null, before: null }) };
}

function aroundOf(entry, bySize) {
  const covering = bySize.get(entry.size);
  const earlier = entry.after === null ? null : bySize.get(entry.after);
  if (!covering || earlier === undefined) {
    throw outside(`entry ${entry.index}: a checkpoint that it names is not in the evidence`);
  }
  if (entry.after !== null && entry.after > entry.index) {
    throw outside(`entry ${entry.index}: the checkpoint of size ${entry.after} contains it already`);
  }
  const before =
    entry.after === null ? "no older checkpoint" : `not yet in the one of ${counted(entry.after, "leaf", "leaves")}`;
  return {
    detail: `under the checkpoint of ${counted(entry.size, "leaf", "leaves")}, ${before}`,
    value: [covering, earlier],
  };
}

async function included(entry, { size, root }) {
  const [leaf] = hashes([entry.leaf]);
  await verifyInclusion(await leafHash(leaf), entry.index, size, hashes(entry.inclusion), root);
  return { detail: `index ${entry.index} of ${counted(size, "leaf", "leaves")}, leaf ${entry.leaf}` };
}

async function leafOf(entry) {
  const [leaf] = hashes([entry.leaf]);
  const fields = await verifyDisclosures(entry.disclosures, hashes(entry.digests), leaf);
  checkNames(entry, fields);
  return {
    detail: `${counted(fields.size, "field")} and ${counted(entry.digests.length, "digest")} make the leaf`,
    value: fields,
  };
}

function bracketOf(entry, covering, earlier) {
  const value = { after: earlier?.unseenUntil ?? null, before: covering.metAt };
  if (value.after !== null && value.before !== null && value.after > value.before) {
    throw outside(`entry ${entry.index}: it would have been logged before the time after which it was`);
  }
  return { detail: loggedWords(value), value };
}
