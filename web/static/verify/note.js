/**
 * Signed notes (https://c2sp.org/signed-note), as `tlog/formats/note.py`: the last empty line divides the text from
 * the signature lines; two lines of one name and key ID are refused. Nothing that is parsed here is verified.
 */
import { malformed } from "./refusal.js";
import { b64decode, checkText, hex, shown, splitLines, utf8 } from "./encoding.js";

export const MAX_NOTE_BYTES = 1 << 20;
export const KEY_ID_BYTES = 4;
const DASH = "\u2014 ";
// What Python's str.isspace says of a character; JavaScript's \s has U+FEFF besides, and lacks U+0085.
const SPACE = /[\x09-\x0d\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

/** Refuse a key name that is empty, or holds a space, plus or control character. */
export function checkKeyName(name, fail) {
  checkText(name, fail, "key name");
  if (name === "" || name.includes("+") || SPACE.test(name)) {
    throw fail(`key name ${shown(name)}: must not be empty, nor hold a Unicode space or plus`);
  }
}

/** Return what identifies a key together with its algorithm, as one string. */
export function keyOf(name, keyId) {
  return `${name}\n${hex(keyId)}`;
}

/** Return {text, signatures: [{name, keyId, value, key}]} of a note. */
export function parseNote(data) {
  const size = utf8(data).length;
  if (size > MAX_NOTE_BYTES) throw malformed(`note: ${size} bytes, more than ${MAX_NOTE_BYTES}`);
  checkText(data, malformed, "note");
  const cut = data.lastIndexOf("\n\n");
  if (cut < 0) throw malformed("note: no empty line before the signatures");
  const lines = splitLines(data.slice(cut + 2), malformed, "signature lines");
  const signatures = lines.map((line, i) => parseLine(line, `signature line ${i + 1}`));
  refuseDuplicates(signatures);
  return { text: data.slice(0, cut + 1), signatures };
}

function parseLine(line, what) {
  if (!line.startsWith(DASH)) throw malformed(`${what}: does not start with an em dash and a space`);
  const rest = line.slice(DASH.length);
  const space = rest.indexOf(" ");
  const name = space < 0 ? rest : rest.slice(0, space);
  const decoded = b64decode(space < 0 ? "" : rest.slice(space + 1), malformed, what);
  checkKeyName(name, malformed);
  if (decoded.length <= KEY_ID_BYTES) {
    throw malformed(`signature by ${shown(name)}: needs a key ID of 4 bytes and a value`);
  }
  const keyId = decoded.slice(0, KEY_ID_BYTES);
  return { name, keyId, value: decoded.slice(KEY_ID_BYTES), key: keyOf(name, keyId) };
}

function refuseDuplicates(signatures) {
  const seen = new Set();
  for (const { key, name, keyId } of signatures) {
    if (seen.has(key)) throw malformed(`two signature lines of ${shown(name)}, ID ${hex(keyId)}`);
    seen.add(key);
  }
}
