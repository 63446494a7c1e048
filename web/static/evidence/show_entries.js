/** The entries as the verified data has them; what the page said of them before is replaced. */
import { counted, loggedWords } from "../verify/words.js";
import { element } from "./dom.js";
import { fieldWord } from "./field_words.js";
import { printable, valueWords } from "./show_value.js";

/** Return one article an entry. `entries` are those of `verifyEvidence`; `passed` is its verdict on the whole file. */
export function entryArticles(entries, passed) {
  return entries.map(({ entry, fields, after, before }) => {
    const when = passed ? `Verified: ${loggedWords({ after, before })}.` : "Not verified.";
    return element(
      "article",
      {},
      element("h3", {}, `Entry ${entry.index}`),
      element("p", { class: "when" }, when),
      fieldList(fields),
      ...notes(entry),
    );
  });
}

function fieldList(fields) {
  if (!fields) return element("p", {}, "Its fields do not make the leaf; none is shown.");
  const names = [...fields.keys()].sort();
  return element("dl", {}, ...names.map((name) => fieldRow(name, fields.get(name).value)));
}

function fieldRow(name, value) {
  const word = fieldWord(name);
  const label = word === null ? [name] : [word, " ", element("code", {}, name)];
  return element("div", {}, element("dt", {}, ...label), element("dd", {}, valueWords(value)));
}

function notes(entry) {
  const said = [];
  const hidden = entry.digests.length;
  if (hidden) said.push(`${counted(hidden, "more field is", "more fields are")} not shown: redacted, or erased.`);
  for (const erased of entry.erasures) said.push(`The file says, unproved: ${erasedWords(erased)}`);
  return said.map((line) => element("p", {}, printable(line)));
}

function erasedWords({ part, act, at, index }) {
  const names = part === "shared" ? "targets, details, correlation" : part;
  const by = index === null ? "an act under way" : `entry ${index} of the log`;
  return `${names}: erased${at === null ? "" : ` at ${at}`} by ${by} (act ${act})`;
}
