/**
 * The steps that compare verified evidence with what its log serves now: its checkpoint, and the tiles under it. They
 * show that the log still stands by the entry, and that its tree today extends the one in the evidence.
 */
import { checkpointSteps } from "./checkpoint_steps.js";
import { sameBytes, utf8Text } from "./encoding.js";
import { hashes } from "./evidence.js";
import { leafHash } from "./hashing.js";
import { verifyInclusion } from "./merkle.js";
import { malformed, Refusal } from "./refusal.js";
import { nodesOf, Tiles } from "./tiles.js";
import { counted } from "./words.js";

const SUBJECT = "the log today";

/**
 * Take the steps. `trusted` is the policy's step, `proved` are pairs of an entry and the quorum's step of its
 * checkpoint, `needs` all steps before. `fetchPath` takes a path below the log's address and returns bytes, or null.
 */
export async function tileSteps(steps, fetchPath, trusted, proved, needs) {
  const asked = asking(fetchPath);
  const served = await steps.take({ name: "checkpoint", subject: SUBJECT, needs }, () => servedCheckpoint(asked));
  if (served.status !== "passed") return;
  const quorum = await checkpointSteps(steps, trusted, served.value, "the checkpoint that the log serves");
  const known = await steps.take({ name: "same log", subject: SUBJECT, needs: [quorum] }, () =>
    sameLog(proved, quorum.value),
  );
  for (const [entry, checkpoint] of proved) {
    const subject = `entry ${entry.index} in the tiles`;
    const need = { subject, needs: [known] };
    const tiles = known.value && new Tiles(asked, quorum.value.size, quorum.value.root, known.value);
    const inclusion = await steps.take({ name: "inclusion", ...need }, () => included(tiles, entry));
    await steps.take({ name: "consistency", subject, needs: [inclusion] }, () => extended(tiles, checkpoint.value));
  }
}

/** Return `fetchPath` with a refusal where the log could not be asked: that is no fault of this program. */
function asking(fetchPath) {
  return async (path) => {
    try {
      return await fetchPath(path);
    } catch (error) {
      throw new Refusal("fetch", `${path} could not be fetched: ${error.message}`);
    }
  };
}

async function servedCheckpoint(fetchPath) {
  const data = await fetchPath("checkpoint");
  if (data === null) throw new Refusal("checkpoint", "the log has no checkpoint");
  const value = utf8Text(data);
  if (value === null) throw malformed("checkpoint: not UTF-8");
  return { detail: `${data.length} bytes`, value };
}

/** Return what the evidence tells of the tree's nodes, if the served checkpoint is of the same log and not smaller. */
async function sameLog(proved, { origin, size }) {
  const known = new Map();
  for (const [entry, { value: checkpoint }] of proved) {
    if (checkpoint.origin !== origin) throw new Refusal("origin", `the log serves a checkpoint of ${origin}`);
    if (checkpoint.size > size) {
      const sizes = `${counted(size, "leaf", "leaves")}, fewer than the ${checkpoint.size} in the evidence`;
      throw new Refusal("consistency", `the log shows ${sizes}`);
    }
    const [leaf] = hashes([entry.leaf]);
    const nodes = await nodesOf(await leafHash(leaf), entry.index, checkpoint.size, hashes(entry.inclusion));
    for (const [place, hash] of nodes) known.set(place, hash);
  }
  return { detail: `${origin}, ${counted(size, "leaf", "leaves")}`, value: known };
}

async function included(tiles, entry) {
  const [leaf] = hashes([entry.leaf]);
  const own = await leafHash(leaf);
  if (!sameBytes(await tiles.node(0n, entry.index), own)) {
    throw new Refusal("inclusion", `the tiles hold another leaf at index ${entry.index}`);
  }
  await verifyInclusion(own, entry.index, tiles.size, await tiles.inclusionProof(entry.index), tiles.root);
  return {
    detail: `the proof made from the log's tiles leads to the root of ${counted(tiles.size, "leaf", "leaves")}`,
  };
}

async function extended(tiles, { size, root }) {
  if (!sameBytes(await tiles.rootOf(size), root)) {
    throw new Refusal("consistency", `the first ${size} leaves of the log today are not those of the evidence`);
  }
  return { detail: `the log today extends the tree of ${counted(size, "leaf", "leaves")} in the evidence` };
}
