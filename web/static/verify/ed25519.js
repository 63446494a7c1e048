/** Ed25519 signatures (RFC 8032) by WebCrypto (https://www.w3.org/TR/webcrypto-2/#ed25519). */
import { Refusal } from "./refusal.js";

const SIGNATURE_BYTES = 64;

/** Tell whether a signature verifies. Throws a `Refusal` of check "browser" where the browser has no Ed25519. */
export async function verifiesEd25519(publicKey, signature, message) {
  if (signature.length !== SIGNATURE_BYTES) return false;
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError")
      throw new Refusal("browser", "this browser cannot check Ed25519 signatures");
    return false;
  }
  return crypto.subtle.verify("Ed25519", key, signature, message);
}
