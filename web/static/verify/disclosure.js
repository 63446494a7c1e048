/**
 * Disclosures: one field of an entry with the salt that hides it (RFC 9901 section 4.2.1), as
 * `tlog/audit/disclosure.py`:
 *
 *     disclosure = base64url( ["<salt>","<name>",<value>] )    without padding, no white space outside <value>
 *     salt       = base64url of 16 bytes, 22 characters
 */
import { b64encode, bytesOf, utf8Text } from "./encoding.js";
import { malformed } from "./refusal.js";
import { parseJsonText } from "./strict_json.js";

const ALPHABET = /^[A-Za-z0-9_-]+$/;
const TRIPLE = /^\["([A-Za-z0-9_-]{21}[AQgw])","([a-z_]+(?:\.[a-z_]+|\[(?:0|[1-9][0-9]?)\])?)",([^]*)\]$/;

/** Return {name, value, json}: the field's name, its value as `strict_json` reads it, and the JSON text. */
export function parseDisclosure(text) {
  const data = utf8Text(decode(text));
  const found = data === null ? null : TRIPLE.exec(data);
  if (!found) throw malformed("the disclosure is not salt, name and value, written in the one permitted way");
  const [, , name, json] = found;
  if (/^[ \t\n\r]|[ \t\n\r]$/.test(json)) throw malformed("the disclosure is not written in the one permitted way");
  return { name, value: parseJsonText(json, `the value of ${name} is not acceptable`), json };
}

function decode(text) {
  if (!ALPHABET.test(text) || text.length % 4 === 1) throw malformed("the disclosure is not base64url without padding");
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  const padded = standard + "=".repeat((4 - (standard.length % 4)) % 4);
  const bytes = bytesOf(atob(padded));
  if (b64encode(bytes) !== padded) throw malformed("the disclosure is not written in the one permitted way");
  return bytes;
}
