/** Numbers, times and keys for people. */
import { hex } from "./encoding.js";
import { TYPE_NAMES } from "./vkey.js";

const LAST_SECOND = 253402300799n; // the end of the year 9999

/** Return POSIX seconds as RFC 3339 in UTC; times beyond the calendar as the number they are. */
export function utc(seconds) {
  if (seconds > LAST_SECOND) return `${seconds} seconds after 1970`;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`;
}

/** Return a number with its noun: "1 entry", "2 entries". */
export function counted(number, one, many = `${one}s`) {
  return `${number} ${BigInt(number) === 1n ? one : many}`;
}

/** Return what names a key for people: its kind, its name and its key ID. */
export function keyWords(vkey) {
  return `${TYPE_NAMES.get(vkey.type)} ${vkey.name}+${hex(vkey.keyId)}`;
}

/** Return between which times an entry was logged, in words; `before` is null where the policy wants no witness. */
export function loggedWords({ after, before }) {
  if (before === null) return "when it was logged is not proved: the policy wants no witness";
  return `logged ${after === null ? "" : `after ${utc(after)} and `}at or before ${utc(before)}`;
}
