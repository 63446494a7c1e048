/**
 * Verifier keys (https://c2sp.org/signed-note), as `tlog/formats/vkey.py`:
 *
 *     vkey = name "+" key ID (8 hex digits) "+" base64( type (1 byte) || public key )
 *
 * The key ID is SHA-256(name || 0x0A || type || public key)[:4] and is checked, never believed.
 */
import { b64decode, concat, hex, shown, utf8 } from "./encoding.js";
import { checkPoint } from "./ed25519_point.js";
import { sha256 } from "./hashing.js";
import { checkKeyName, KEY_ID_BYTES, keyOf } from "./note.js";

export const ED25519 = 0x01;
export const COSIGNATURE_ED25519 = 0x04;
export const COSIGNATURE_ML_DSA_44 = 0x06;
export const TYPE_NAMES = new Map([
  [ED25519, "Ed25519"],
  [COSIGNATURE_ED25519, "Ed25519 cosignature"],
  [COSIGNATURE_ML_DSA_44, "ML-DSA-44 cosignature"],
]);
const ML_DSA_44_KEY_BYTES = 1312; // FIPS 204, table 2
const MAX_COSIGNER_NAME_BYTES = 255;
const MAX_VKEY_CHARS = 64 * 1024;

/** Return {name, type, publicKey, keyId, key} of a verifier key's text; `key` is what `note.keyOf` says of it. */
export async function parseVkey(text, fail) {
  if (text.length > MAX_VKEY_CHARS) throw fail(`vkey: ${text.length} characters, more than ${MAX_VKEY_CHARS}`);
  const [name, keyId, ...rest] = text.split("+");
  if (!rest.length) throw fail(`vkey ${shown(text)}: not <name>+<key ID>+<key>`);
  const encoded = b64decode(rest.join("+"), fail, `vkey ${shown(name)}`);
  const [type, publicKey] = [encoded[0], encoded.slice(1)];
  if (!TYPE_NAMES.has(type)) {
    throw fail(`vkey ${shown(name)}: signature type 0x${hex(encoded.slice(0, 1))} is not supported`);
  }
  checkKeyName(name, fail);
  checkPublicKey(name, type, publicKey, fail);
  const digest = await sha256(concat(utf8(name), Uint8Array.of(0x0a), encoded));
  const id = digest.slice(0, KEY_ID_BYTES);
  if (hex(id) !== keyId) {
    throw fail(`vkey ${shown(name)}: key ID ${shown(keyId)} is not that of this name and key`);
  }
  return { name, type, publicKey, keyId: id, key: keyOf(name, id) };
}

function checkPublicKey(name, type, publicKey, fail) {
  if (type !== COSIGNATURE_ML_DSA_44) return checkPoint(publicKey, fail);
  if (publicKey.length !== ML_DSA_44_KEY_BYTES) {
    throw fail(`ML-DSA-44 key: ${publicKey.length} bytes, not ${ML_DSA_44_KEY_BYTES}`);
  }
  if (utf8(name).length > MAX_COSIGNER_NAME_BYTES) {
    throw fail(`ML-DSA-44 key: its name has more than ${MAX_COSIGNER_NAME_BYTES} bytes`);
  }
}
