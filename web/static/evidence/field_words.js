/** What the pages call a field of an entry, as web/entry_view.py has it; a test compares the two. */
const WORDS = {
  action: "Action",
  crud: "Kind of access",
  outcome: "Outcome",
  purpose: "Purpose",
  legal_basis: "Legal basis",
  policy: "Policy",
  decision_id: "Decision",
  granted_by: "Granted by",
  source: "Source",
  seq: "Number of the source",
  id: "Id",
  occurred_at: "Occurred",
  received_at: "Received",
  retention: "Retention class",
  schema: "Schema",
  type: "Type",
  name: "Name",
  role: "Role",
  organization: "Organization",
  ip: "Address",
  user_agent: "Program",
  session: "Session",
  trace_id: "Trace",
  request_id: "Request",
};
const GROUPS = { actor: "Who acted", correlation: "Correlation", authorization: "Authorization" };
const WHOLE = { targets: "Targets", details: "Details", subjects: "Whose data" };

/** Return the word for a field by its dotted name: `Who acted: name` for `actor.name`; null where there is none. */
export function fieldWord(name) {
  if (Object.hasOwn(WORDS, name)) return WORDS[name];
  const whole = /^(targets|details|subjects)(?:\[\d+\])?$/.exec(name);
  if (whole) return WHOLE[whole[1]];
  const [group, member, ...more] = name.split(".");
  if (more.length || !Object.hasOwn(GROUPS, group) || !Object.hasOwn(WORDS, member ?? "")) return null;
  return `${GROUPS[group]}: ${WORDS[member].toLowerCase()}`;
}
