/** The steps of a verification, grouped by what they are of. */
import { counted } from "../verify/words.js";
import { element } from "./dom.js";
import { printable } from "./show_value.js";

const WORDS = { passed: "passed", failed: "failed", skipped: "not checked" };

/** Return one `details` a group; a group is open where something in it failed. */
export function stepGroups(steps) {
  const groups = new Map();
  for (const step of steps) groups.set(step.subject, [...(groups.get(step.subject) ?? []), step]);
  return [...groups].map(([subject, members]) => group(subject || "the whole file", members));
}

function group(subject, steps) {
  const missed = steps.filter(({ status }) => status !== "passed").length;
  const total = counted(steps.length, "check");
  const outcome = missed ? `${missed} of ${total} did not pass` : `${total}, all passed`;
  const attributes = missed ? { open: "" } : {};
  const items = steps.map(stepItem);
  return element("details", attributes, element("summary", {}, `${subject}: ${outcome}`), element("ul", {}, ...items));
}

function stepItem({ name, status, detail, keys }) {
  const children = [element("strong", {}, `${name}: ${WORDS[status]}`)];
  if (detail) children.push(element("span", {}, printable(detail)));
  if (keys.length) children.push(element("span", { class: "keys" }, printable(`against ${keys.join("; ")}`)));
  return element("li", { class: status }, ...children);
}
