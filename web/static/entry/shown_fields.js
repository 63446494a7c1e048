/**
 * Compares what an entry's page shows with what its evidence proved. Whoever changes the page between the log and the
 * reader may leave the evidence whole and change the words beside it.
 */
import { JsonNumber, parseJson } from "../verify/strict_json.js";
import { utf8 } from "../verify/encoding.js";

const NAMED = new Map([
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\r", "\\r"],
]);
const INDEXED = /^(subjects\[\d+\])(\.data)?$/;

/** Return the first element whose words the evidence does not prove, as {name, detail}; null if all are proved. */
export function unprovedField(elements, fields) {
  const targets = [...(fields.get("targets")?.value ?? [])];
  for (const element of elements) {
    const { field, form } = element.dataset;
    const proved = field === "targets" ? targetWords(targets.shift()) : provedValue(field, fields);
    if (proved === undefined) return { name: "shown field", detail: `the page shows ${field}, which the evidence lacks` };
    if (!shows(element, form, proved)) {
      return { name: "shown field", detail: `the page shows another ${field} than the evidence proves` };
    }
  }
  return null;
}

function provedValue(field, fields) {
  const [, person, data] = INDEXED.exec(field) ?? [];
  return person ? fields.get(person)?.value?.get(data ? "data" : "id") : fields.get(field)?.value;
}

function targetWords(target) {
  if (target === undefined) return undefined;
  const name = target.get("name");
  return `${target.get("type")} ${target.get("id")}${name ? `, ${name}` : ""}`;
}

function shows(element, form, proved) {
  if (form === "json") return sameJson(parseJson(utf8(element.textContent), "the page"), proved);
  if (form === "time") {
    const time = element.querySelector("time");
    return time.dateTime === proved && time.textContent === `${proved.slice(0, 10)} ${proved.slice(11, 19)} UTC`;
  }
  const words = String(proved instanceof JsonNumber ? proved.text : proved);
  return plain(element.textContent) === plain(words) || isEscaped(element.textContent, words);
}

/**
 * Tell whether a text is another one in which some characters stand as escapes, as Python's `ascii` writes them. Which
 * ones is left to the log: what is printable depends on the version of Unicode.
 */
function isEscaped(text, original) {
  let at = 0;
  for (const char of original) {
    const written = text.startsWith(char, at) ? char : escaped(char);
    if (!text.startsWith(written, at)) return false;
    at += written.length;
  }
  return at === text.length;
}

function escaped(char) {
  const code = char.codePointAt(0);
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return NAMED.get(char) ?? `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}

/** Return a text as an HTML parser keeps it: line ends become newlines. */
function plain(text) {
  return String(text).replace(/\r\n?/g, "\n");
}

/** Tell whether two values of `strict_json` are the same; 1.50 is 1.5. */
function sameJson(one, other) {
  if (one instanceof JsonNumber && other instanceof JsonNumber) return sameNumber(one.text, other.text);
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, i) => sameJson(item, other[i]));
  }
  if (one instanceof Map && other instanceof Map) {
    return one.size === other.size && [...one].every(([name, item]) => other.has(name) && sameJson(item, other.get(name)));
  }
  return one === other;
}

function sameNumber(one, other) {
  return one === other || (/[.eE]/.test(one + other) && Number(one) === Number(other));
}
