/**
 * The leaf of an entry, as `tlog/audit/leaf.py`:
 *
 *     leaf = SHA-256( "tlog-audit/v1 leaf\n" || digest_1 || … || digest_n )      digests in ascending byte order
 *
 * Each digest is SHA-256 of a disclosure's text, or stands for a field that is not shown.
 */
import { compareBytes, concat, HASH_BYTES, sameBytes, utf8 } from "./encoding.js";
import { parseDisclosure } from "./disclosure.js";
import { sha256 } from "./hashing.js";
import { mayHold } from "./layout.js";
import { malformed, Refusal } from "./refusal.js";

const PREFIX = utf8("tlog-audit/v1 leaf\n");
const mismatch = (message) => new Refusal("leaf", message);

/**
 * Return the disclosed fields {name, value, json} by name, once they and the digests of the others make up the leaf.
 * `disclosures` maps names to texts. Throws a `Refusal` of check "leaf", or "format" for what is no disclosure.
 */
export async function verifyDisclosures(disclosures, digests, leaf) {
  const texts = [...disclosures.values()];
  const found = texts.map(parseDisclosure);
  const fields = new Map(found.map((field) => [field.name, field]));
  if (fields.size !== found.length) throw malformed("two disclosures bear the same name");
  const own = await Promise.all(texts.map((text) => sha256(utf8(text))));
  if (!sameBytes(await leafOf([...own, ...digests]), leaf)) throw mismatch("the disclosures do not hash to the leaf");
  return fields;
}

async function leafOf(digests) {
  const ordered = [...digests].sort(compareBytes);
  if (!ordered.length || ordered.some((digest) => digest.length !== HASH_BYTES)) {
    throw mismatch("a leaf is made of one or more digests of 32 bytes");
  }
  if (ordered.some((digest, i) => i && sameBytes(digest, ordered[i - 1]))) throw mismatch("a digest occurs twice");
  return sha256(concat(PREFIX, ...ordered));
}

/** Check that each disclosure stands under its own name, and that nothing is named as erased that is shown. */
export function checkNames(entry, fields) {
  const at = `entry ${entry.index}`;
  for (const [name, text] of entry.disclosures) {
    if (parseDisclosure(text).name !== name) {
      throw mismatch(`${at}: the disclosure under the name ${name} is that of another field`);
    }
  }
  if (entry.erasures.length && !entry.digests.length) {
    throw mismatch(`${at}: parts are named as erased, but every field is disclosed`);
  }
  for (const { part } of entry.erasures) {
    const shown = [...fields.keys()].find((name) => mayHold(part, name));
    if (shown) throw mismatch(`${at}: ${part} is named as erased, but ${shown} is disclosed`);
  }
}
