/** Which field of an entry is in which part, as `tlog/audit/layout.py`: what was erased cannot be shown as well. */
const ACTOR = ["type", "id", "name", "role", "organization", "ip", "user_agent", "session"];
const NAMES = new Map([
  ["actor", new Set(ACTOR.map((name) => `actor.${name}`))],
  ["shared", new Set(["targets", "details", "correlation.trace_id", "correlation.request_id"])],
]);

/** Tell whether the part of this label (`actor`, `shared`, `subjects[0]`) may hold a field of this name. */
export function mayHold(label, name) {
  return NAMES.has(label) ? NAMES.get(label).has(name) : name === label;
}
