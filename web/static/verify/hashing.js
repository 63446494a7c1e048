/**
 * SHA-256, and as RFC 6962 section 2.1 uses it: one prefix byte for leaves, another for nodes.
 *
 *     MTH({})     = SHA-256()
 *     MTH({d})    = SHA-256(0x00 || d)
 *     MTH(D[n])   = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])),  k the largest power of two below n
 */
import { concat } from "./encoding.js";

/** Return the 32 bytes of SHA-256. */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Return the 32-byte hash of a leaf. */
export function leafHash(leaf) {
  return sha256(concat(Uint8Array.of(0), leaf));
}

/** Return the 32-byte hash of an inner node from those of its children. */
export function nodeHash(left, right) {
  return sha256(concat(Uint8Array.of(1), left, right));
}
