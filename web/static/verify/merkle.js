/**
 * Verification of inclusion and consistency proofs, from RFC 9162 sections 2.1.3.2 and 2.1.4.2, as
 * `tlog/merkle/verify.py`. Indices count from 0, sizes count leaves (BigInt both), hashes are 32 bytes.
 * Functions return nothing if the proof holds and throw a `Refusal` otherwise.
 */
import { Refusal } from "./refusal.js";
import { HASH_BYTES, sameBytes } from "./encoding.js";
import { nodeHash, sha256 } from "./hashing.js";

const inclusionInvalid = (message) => new Refusal("inclusion", message);
const consistencyInvalid = (message) => new Refusal("consistency", message);

/** Check that this leaf hash is at `index` in the tree of `size` leaves with this root. */
export async function verifyInclusion(leafHash, index, size, proof, root) {
  if (index < 0n || index >= size) throw inclusionInvalid(`index ${index} is not in a tree of size ${size}`);
  requireHashes(inclusionInvalid, leafHash, ...proof);
  let [fn, sn, r] = [index, size - 1n, leafHash];
  for (const p of proof) {
    if (sn === 0n) throw inclusionInvalid(`${proof.length} hashes are too many for index ${index}, size ${size}`);
    if (fn & 1n || fn === sn) {
      r = await nodeHash(p, r);
      [fn, sn] = shiftUntilOdd(fn, sn);
    } else {
      r = await nodeHash(r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) throw inclusionInvalid(`${proof.length} hashes are too few for index ${index}, size ${size}`);
  if (!sameBytes(r, root)) throw inclusionInvalid(`index ${index}, size ${size}: the proof leads to another root hash`);
}

/** Check that the tree of `oldSize` leaves is a prefix of that of `newSize`. */
export async function verifyConsistency(oldSize, newSize, proof, oldRoot, newRoot) {
  if (oldSize < 0n || oldSize > newSize) {
    throw consistencyInvalid(`old size ${oldSize} and new size ${newSize} are not in order`);
  }
  if (oldSize === 0n || oldSize === newSize) return verifyTrivial(oldSize, newSize, proof, oldRoot, newRoot);
  requireHashes(consistencyInvalid, oldRoot, ...proof);
  if (!proof.length) throw consistencyInvalid(`an empty proof cannot connect size ${oldSize} to ${newSize}`);
  const path = (oldSize & (oldSize - 1n)) === 0n ? [oldRoot, ...proof] : proof;
  const [fr, sr] = await walk(oldSize, newSize, path);
  if (!sameBytes(fr, oldRoot) || !sameBytes(sr, newRoot)) {
    throw consistencyInvalid(`sizes ${oldSize} and ${newSize}: the proof leads to other root hashes`);
  }
}

/** Return the old and the new root that `path` leads to: steps 3 to 6 of RFC 9162 section 2.1.4.2. */
async function walk(oldSize, newSize, path) {
  let [fn, sn] = [oldSize - 1n, newSize - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    if (sn === 0n) throw consistencyInvalid(`the proof is too long for sizes ${oldSize} and ${newSize}`);
    if (fn & 1n || fn === sn) {
      [fr, sr] = [await nodeHash(c, fr), await nodeHash(c, sr)];
      [fn, sn] = shiftUntilOdd(fn, sn);
    } else {
      sr = await nodeHash(sr, c);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) throw consistencyInvalid(`the proof is too short for sizes ${oldSize} and ${newSize}`);
  return [fr, sr];
}

function shiftUntilOdd(fn, sn) {
  while (fn !== 0n && !(fn & 1n)) [fn, sn] = [fn >> 1n, sn >> 1n];
  return [fn, sn];
}

async function verifyTrivial(oldSize, newSize, proof, oldRoot, newRoot) {
  if (proof.length) {
    throw consistencyInvalid(`sizes ${oldSize} and ${newSize} need no proof, ${proof.length} hashes given`);
  }
  if (oldSize === 0n && !sameBytes(oldRoot, await sha256(new Uint8Array()))) {
    throw consistencyInvalid("the root hash of the empty tree is not SHA-256 of nothing");
  }
  if (oldSize === newSize && !sameBytes(oldRoot, newRoot)) {
    throw consistencyInvalid(`two root hashes for one size, ${oldSize}`);
  }
  if (oldSize === 0n) requireHashes(consistencyInvalid, newRoot);
}

function requireHashes(fail, ...hashes) {
  for (const hash of hashes) {
    if (hash.length !== HASH_BYTES) throw fail(`a hash of ${hash.length} bytes, not ${HASH_BYTES}`);
  }
}
