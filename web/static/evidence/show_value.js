/** Values of fields for people, as in `web/evidence_page.py`: a string as it is, anything else as JSON. */
import { JsonNumber } from "../verify/strict_json.js";

// Control characters but newline, and what is invisible or turns the direction of text.
const UNPRINTABLE = /(?!\n)[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/** Return a value as `strict_json` reads it, in words. */
export function valueWords(value) {
  return printable(typeof value === "string" ? value : jsonWords(value, ""));
}

/** Return a text in which what is not printable, but newlines, is written as an escape. */
export function printable(text) {
  return text.replace(UNPRINTABLE, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);
}

function jsonWords(value, indent) {
  const inner = `${indent}  `;
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value))
    return wrapped(
      "[]",
      value.map((item) => jsonWords(item, inner)),
      indent,
    );
  if (value instanceof Map) {
    return wrapped(
      "{}",
      [...value].map(([name, item]) => `${JSON.stringify(name)}: ${jsonWords(item, inner)}`),
      indent,
    );
  }
  return JSON.stringify(value);
}

function wrapped([open, close], items, indent) {
  if (!items.length) return open + close;
  return `${open}\n${items.map((item) => `${indent}  ${item}`).join(",\n")}\n${indent}${close}`;
}
