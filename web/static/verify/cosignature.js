/**
 * Signatures under a checkpoint's note, by the type of their key, as `tlog/formats/cosignature.py` and `ed25519.py`:
 *
 *     0x01  Ed25519 (64 bytes) over the note's text
 *     0x04  uint64 POSIX seconds || Ed25519, over  "cosignature/v1\ntime " seconds "\n" || text
 *     0x06  uint64 POSIX seconds || ML-DSA-44, over
 *           "subtree/v1\n\0" || len cosigner || seconds || len origin || start || end || root hash
 */
import { malformed, Refusal } from "./refusal.js";
import { concat, MAX_SIZE, shown, uint64, utf8 } from "./encoding.js";
import { parseCheckpoint } from "./checkpoint.js";
import { verifiesEd25519 } from "./ed25519.js";
import { verifiesMlDsa44 } from "./ml_dsa_44.js";
import { COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44, ED25519 } from "./vkey.js";

const TIMESTAMP_BYTES = 8;
const MAX_NAME_BYTES = 255;
const SIGNATURE_BYTES = new Map([
  [COSIGNATURE_ED25519, 64],
  [COSIGNATURE_ML_DSA_44, 2420],
]);

/**
 * Check the signature `value` by `vkey` over a note's text. Return the POSIX seconds of a cosignature, null for a plain
 * signature. Throws a `Refusal` of check "signature".
 */
export async function verifySignature(vkey, text, value) {
  if (vkey.type === ED25519) {
    await require_(verifiesEd25519(vkey.publicKey, value, utf8(text)), `the Ed25519 signature by ${shown(vkey.name)}`);
    return null;
  }
  let [timestamp, message] = [null, null];
  try {
    timestamp = cosignatureTimestamp(value, vkey.type);
    message = cosignedMessage(vkey, timestamp, text);
  } catch (error) {
    throw new Refusal("signature", `the cosignature by ${shown(vkey.name)} is unusable: ${error.message}`);
  }
  const verifies = vkey.type === COSIGNATURE_ED25519 ? verifiesEd25519 : verifiesMlDsa44;
  const signature = value.slice(TIMESTAMP_BYTES);
  await require_(verifies(vkey.publicKey, signature, message), `the cosignature by ${shown(vkey.name)}`);
  return timestamp;
}

async function require_(verified, what) {
  if (!(await verified)) throw new Refusal("signature", `${what} does not verify`);
}

function cosignatureTimestamp(value, type) {
  const expected = TIMESTAMP_BYTES + SIGNATURE_BYTES.get(type);
  if (value.length !== expected) throw malformed(`cosignature: ${value.length} bytes where ${expected} belong`);
  const timestamp = new DataView(value.buffer, value.byteOffset).getBigUint64(0);
  if (timestamp > MAX_SIZE) throw malformed("cosignature: timestamp above 2^63 - 1");
  return timestamp;
}

function cosignedMessage(vkey, timestamp, text) {
  if (vkey.type === COSIGNATURE_ED25519) return utf8(`cosignature/v1\ntime ${timestamp}\n${text}`);
  const { origin, size, root } = parseCheckpoint(text);
  return concat(
    utf8("subtree/v1\n\0"),
    vector(vkey.name),
    uint64(timestamp),
    vector(origin),
    uint64(0n),
    uint64(size),
    root,
  );
}

function vector(text) {
  const bytes = utf8(text);
  if (bytes.length > MAX_NAME_BYTES) {
    throw malformed(`checkpoint origin: longer than the ${MAX_NAME_BYTES} bytes of ML-DSA-44`);
  }
  return concat(Uint8Array.of(bytes.length), bytes);
}
