/**
 * A JSON reader that accepts exactly what `tlog/audit/strict_json.py` accepts: RFC 8259, UTF-8 without a byte order
 * mark, no object with two members of one name, at most 64 levels, no lone surrogates, numbers within a double's range.
 *
 * JSON.parse keeps the last of two members silently and rounds large integers, so it cannot be used for this. Here an
 * object is a Map, an array an Array, and a number a `JsonNumber` with its text as it stood.
 */
import { malformed, Refusal } from "./refusal.js";
import { utf8Text } from "./encoding.js";

export const MAX_DEPTH = 64;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const LITERALS = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** A number as it stood in the text. */
export class JsonNumber {
  constructor(text) {
    this.text = text;
  }

  /** Whether it is written without fraction and exponent. */
  get isInteger() {
    return /^-?[0-9]+$/.test(this.text);
  }
}

/** Return the value of a JSON text in bytes. Throws a `Refusal`, which quotes nothing of it. */
export function parseJson(bytes, what) {
  const text = utf8Text(bytes);
  if (text === null) throw malformed(`${what}: not UTF-8`);
  return parseJsonText(text, what);
}

/** Return the value of a JSON text. */
export function parseJsonText(text, what) {
  const reader = new Reader(text, what);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  constructor(text, what) {
    this.text = text;
    this.what = what;
    this.at = 0;
  }

  value(depth) {
    this.space();
    const char = this.text[this.at];
    if (char === "{") return this.object(depth + 1);
    if (char === "[") return this.array(depth + 1);
    const found = char === '"' ? this.string() : (this.literal() ?? this.number());
    return found === NULL ? null : found;
  }

  end() {
    this.space();
    if (this.at !== this.text.length) throw this.fault("unexpected content after the document");
  }

  object(depth) {
    const members = new Map();
    this.open(depth);
    if (this.take("}")) return members;
    do {
      this.space();
      if (this.text[this.at] !== '"') throw this.fault("a member's name is missing");
      const name = this.string();
      if (members.has(name)) throw malformed(`${this.what}: an object names the same field twice`);
      if (!this.take(":")) throw this.fault("a colon is missing");
      members.set(name, this.value(depth));
    } while (this.take(","));
    if (!this.take("}")) throw this.fault("an object is not closed");
    return members;
  }

  array(depth) {
    const items = [];
    this.open(depth);
    if (this.take("]")) return items;
    do items.push(this.value(depth));
    while (this.take(","));
    if (!this.take("]")) throw this.fault("an array is not closed");
    return items;
  }

  open(depth) {
    if (depth > MAX_DEPTH) throw malformed(`${this.what}: nested deeper than ${MAX_DEPTH} levels`);
    this.at += 1;
  }

  string() {
    const start = this.at++;
    let plain = true;
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (Number.isNaN(code) || code < 0x20) throw this.fault("a string is not closed, or holds a control character");
      if (code === 0x22) break;
      if (code === 0x5c) {
        plain = false;
        this.at += 1;
      }
      this.at += 1;
    }
    this.at += 1;
    return plain ? this.text.slice(start + 1, this.at - 1) : this.unescaped(start);
  }

  unescaped(start) {
    let found;
    try {
      found = JSON.parse(this.text.slice(start, this.at));
    } catch {
      throw this.fault("an escape in a string is not one of JSON");
    }
    if (/[\ud800-\udfff]/u.test(found)) throw this.fault("a lone surrogate in a string");
    return found;
  }

  literal() {
    for (const [word, value] of LITERALS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value ?? NULL;
      }
    }
    return undefined;
  }

  number() {
    NUMBER.lastIndex = this.at;
    const found = NUMBER.exec(this.text);
    if (!found) throw this.fault("a value is missing");
    if (!Number.isFinite(Number(found[0]))) throw this.fault("a number is too large");
    this.at += found[0].length;
    return new JsonNumber(found[0]);
  }

  take(char) {
    this.space();
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  space() {
    SPACE.lastIndex = this.at;
    this.at += SPACE.exec(this.text)[0].length;
  }

  fault(reason) {
    return new Refusal("format", `${this.what}: not JSON: ${reason} at character ${this.at}`);
  }
}

const NULL = Symbol("null");
