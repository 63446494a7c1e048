/**
 * ML-DSA-44 (FIPS 204, pure, empty context) by the vendored noble-post-quantum: WebCrypto does not have it everywhere.
 */
import { ml_dsa44 } from "../vendor/noble-post-quantum/ml-dsa.js";

/** Tell whether a signature of 2420 bytes verifies under a public key of 1312 bytes. */
export function verifiesMlDsa44(publicKey, signature, message) {
  try {
    return ml_dsa44.verify(signature, message, publicKey) === true;
  } catch {
    return false; // the library throws for what cannot be a signature
  }
}
