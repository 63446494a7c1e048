/**
 * Shapes of JSON values as `strict_json` reads them: functions of a value and its place (`$.entries[0].index`) that
 * return it, turned into plain data, or throw a `Refusal` that names types and places and quotes no value.
 */
import { MAX_SIZE } from "./encoding.js";
import { malformed } from "./refusal.js";
import { JsonNumber } from "./strict_json.js";

const fault = (message, at) => malformed(`evidence: ${message} - at ${at}`);

/** A string of so many characters (code points). */
export function text({ most = Infinity, least = 0, pattern = null }) {
  return (value, at) => {
    if (typeof value !== "string") throw fault("a string is expected", at);
    const length = value.length > most || least ? [...value].length : value.length;
    if (length > most || length < least) throw fault(`a string of ${least} to ${most} characters is expected`, at);
    if (pattern && !pattern.test(value)) throw fault("the string has not the form that is expected", at);
    return value;
  };
}

/** Just this string. */
export function constant(wanted) {
  return (value, at) => {
    if (value !== wanted) throw fault(`"${wanted}" is expected`, at);
    return value;
  };
}

/** An integer from 0 to `most`, as BigInt; it is written without fraction and exponent. */
export function size(most = MAX_SIZE) {
  return (value, at) => {
    if (!(value instanceof JsonNumber && value.isInteger)) throw fault("an integer is expected", at);
    const number = BigInt(value.text);
    if (number < 0n || (most !== null && number > most)) throw fault("an integer from 0 to 2^63 - 1 is expected", at);
    return number;
  };
}

/** A value of this shape, or null. */
export function nullable(shape) {
  return (value, at) => (value === null ? null : shape(value, at));
}

/** An array of so many items of one shape. */
export function array(shape, { most, least = 0 }) {
  return (value, at) => {
    if (!Array.isArray(value)) throw fault("an array is expected", at);
    if (value.length < least || value.length > most) throw fault(`${least} to ${most} items are expected`, at);
    return value.map((item, i) => shape(item, `${at}[${i}]`));
  };
}

/** An object whose members all have one shape, as a Map. */
export function table(shape, { most }) {
  return (value, at) => {
    if (!(value instanceof Map)) throw fault("an object is expected", at);
    if (value.size > most) throw fault(`at most ${most} members are expected`, at);
    return new Map([...value].map(([name, member]) => [name, shape(member, `${at}[…]`)]));
  };
}

/** An object with these members; those in `optional` have a value where they are left out. */
export function struct(members, { optional = {}, strict = true } = {}) {
  return (value, at) => {
    if (!(value instanceof Map)) throw fault("an object is expected", at);
    const known = Object.keys(members);
    const unknown = [...value.keys()].filter((name) => !known.includes(name));
    if (strict && unknown.length) throw fault("an unknown member", at);
    const made = known.map((name) => {
      if (value.has(name)) return [name, members[name](value.get(name), `${at}.${name}`)];
      if (name in optional) return [name, optional[name]];
      throw fault(`the member ${name} is missing`, at);
    });
    return Object.freeze(Object.fromEntries(made));
  };
}
