/**
 * Lexical rules that all C2SP formats share, as `tlog/formats/encoding.py`: canonical base64, decimals, clean UTF-8,
 * lines. One value has one spelling: what decodes is encoded again and compared.
 *
 * Numbers (sizes, indices, POSIX seconds) are BigInt: they go up to 2^63 - 1. Functions that parse take `fail`, which
 * makes the error to throw from a message, and `what`, which opens the message.
 */
export const HASH_BYTES = 32;
export const MAX_SIZE = (1n << 63n) - 1n;

const DECIMAL = /^(?:0|[1-9][0-9]{0,18})$/;
// With the flag u, a surrogate matches only where it is alone.
const FORBIDDEN = /[\x00-\x09\x0b-\x1f]|[\ud800-\udfff]/u;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const encoder = new TextEncoder();

/** Return the UTF-8 bytes of a text. */
export function utf8(text) {
  return encoder.encode(text);
}

/** Return the text of UTF-8 bytes, a byte order mark included; null if they are not UTF-8. */
export function utf8Text(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Return a string with one character for each byte, U+0000 to U+00FF. */
export function octets(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

/** Return the bytes of a string made by `octets`. */
export function bytesOf(octetText) {
  return Uint8Array.from(octetText, (char) => char.charCodeAt(0));
}

/** Return byte arrays as one. */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Compare byte arrays in byte order: below 0, 0 or above. */
export function compareBytes(one, other) {
  const shared = Math.min(one.length, other.length);
  for (let i = 0; i < shared; i++) if (one[i] !== other[i]) return one[i] - other[i];
  return one.length - other.length;
}

/** Tell whether two byte arrays are the same. */
export function sameBytes(one, other) {
  return compareBytes(one, other) === 0;
}

/** Return lower-case hexadecimal digits. */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return a number as 8 bytes, big-endian. */
export function uint64(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number);
  return bytes;
}

/** Return standard padded base64 (RFC 4648 section 4). */
export function b64encode(bytes) {
  return btoa(octets(bytes));
}

/** Return the bytes of canonical standard base64; `length` is the number of bytes required, if any. */
export function b64decode(text, fail, what, length = null) {
  if (!BASE64.test(text) || text.length % 4) throw fail(`${what}: not standard base64`);
  let decoded;
  try {
    decoded = atob(text);
  } catch {
    throw fail(`${what}: not standard base64`);
  }
  if (btoa(decoded) !== text) throw fail(`${what}: base64 is not canonical`);
  if (length !== null && decoded.length !== length) {
    throw fail(`${what}: ${decoded.length} bytes where ${length} belong`);
  }
  return bytesOf(decoded);
}

/** Return a number of 0 <= n < 2^63 from a decimal without sign or leading zeros. */
export function parseDecimal(text, fail, what) {
  if (!DECIMAL.test(text)) throw fail(`${what}: ${shown(text)} is not a decimal number without sign or leading zeros`);
  const number = BigInt(text);
  if (number > MAX_SIZE) throw fail(`${what}: ${number} is not within 0 and 2^63 - 1`);
  return number;
}

/** Return a text that has no control character below U+0020 but newline, and can be UTF-8. */
export function checkText(text, fail, what) {
  const found = FORBIDDEN.exec(text);
  if (found) {
    const point = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    throw fail(`${what}: U+${point} at character ${[...text.slice(0, found.index)].length} is not allowed`);
  }
  return text;
}

/** Return a text that can be one line: not empty, no control character, newline neither. */
export function checkLine(text, fail, what) {
  if (text === "" || text.includes("\n")) throw fail(`${what}: must be one line that is not empty`);
  return checkText(text, fail, what);
}

/** Return the lines of a text without their newlines; each, the last too, must end with one. */
export function splitLines(text, fail, what) {
  if (!text.endsWith("\n")) throw fail(`${what}: does not end with a newline`);
  return text.slice(0, -1).split("\n");
}

/** Return a text quoted and shortened, fit for a message. */
export function shown(text) {
  const points = [...text];
  const short = points.length <= 40 ? text : points.slice(0, 40).join("") + "…";
  return `'${short.replace(/[\\'\p{C}\p{Zl}\p{Zp}]/gu, escaped)}'`;
}

function escaped(char) {
  return char === "'" || char === "\\" ? `\\${char}` : `\\u{${char.codePointAt(0).toString(16)}}`;
}
