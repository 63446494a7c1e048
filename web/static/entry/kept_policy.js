/**
 * The reader's own trust policy, kept in their browser for this origin: {text, pastedAt}, the time as RFC 3339 in UTC.
 * Where the browser keeps nothing, it lasts as long as the page.
 */
import { Refusal } from "../verify/refusal.js";

const NAME = "tlog-policy";
let here = null;

/** Return the kept policy, null where there is none. Throws a `Refusal` for one that cannot be read: it is not passed over. */
export function keptPolicy() {
  const stored = fromStorage(() => localStorage.getItem(NAME)) ?? null;
  if (stored === null) return here;
  const read = parsed(stored);
  if (typeof read?.text !== "string" || typeof read.pastedAt !== "string") {
    throw new Refusal("policy", "the policy that this browser kept cannot be read; paste it again, or forget it");
  }
  return read;
}

/** Keep a policy from now on; `now` is a `Date`. Return whether the browser kept it. */
export function keepPolicy(text, now) {
  here = { text, pastedAt: `${now.toISOString().slice(0, 19)}Z` };
  return fromStorage(() => localStorage.setItem(NAME, JSON.stringify(here))) !== null;
}

export function forgetPolicy() {
  here = null;
  fromStorage(() => localStorage.removeItem(NAME));
}

/** Tell whether two policy files say the same, whatever their comments and blanks. */
export function samePolicy(one, other) {
  return said(one) === said(other);
}

function said(text) {
  const lines = text.split("\n").map((line) => line.trim().replace(/[ \t]+/g, " "));
  return lines.filter((line) => line && !line.startsWith("#")).join("\n");
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Return what the browser's storage answers, null where it has none to use. */
function fromStorage(ask) {
  try {
    return ask();
  } catch {
    return null;
  }
}
