/**
 * On an entry's page: verify its evidence here, in the reader's browser, and show each step; under the log's own policy,
 * or under that of the reader from the moment they gave one. What the page itself shows is compared with what was proved.
 */
import { keptPolicy, samePolicy } from "./entry/kept_policy.js";
import { startPolicyForm } from "./entry/policy_form.js";
import { unprovedField } from "./entry/shown_fields.js";
import { utf8 } from "./verify/encoding.js";
import { verifyEvidence } from "./verify/evidence_verifier.js";
import { title } from "./verify/steps.js";
import { loggedWords } from "./verify/words.js";

const byId = (id) => document.getElementById(id);
const SAID = { passed: "holds", failed: "FAILED", skipped: "not checked" };
const NOTHING = "Nothing was verified in your browser";
const data = utf8(byId("evidence").textContent);
let runs = 0;

/** Return what this log serves to everybody under a path, now and not from a cache; null where it serves nothing. */
async function fetchPath(path) {
  const answer = await fetch(`/${path}`, { credentials: "omit", cache: "no-store" });
  return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
}

/** Verify and show. Of two runs at once, the later one is shown. */
async function verify() {
  const run = ++runs;
  try {
    const kept = keptPolicy();
    const result = await verifyEvidence(data, { policy: kept && utf8(kept.text), fetchPath });
    if (run === runs) show(result, kept);
  } catch (error) {
    say("unknown", NOTHING, `The check itself failed: ${error.message}.`);
  }
}

function show(result, kept) {
  byId("verify-steps").replaceChildren(...result.steps.map(shownStep));
  byId("verify-all").hidden = false;
  const failure = result.failure ?? shownFault(result);
  const under = `${policyWords(result, kept)}`;
  if (!failure) say("good", "Verified in your browser", `It was ${loggedWords(result.entries[0])}. ${under}`);
  else if (failure.check === "browser") say("unknown", NOTHING, `${failure.detail}.`);
  else say("bad", "Does not verify in your browser", `${title(failure)}: ${failure.detail}. ${under}`);
}

/** Return what is wrong with the page beside its evidence, as a failed step; null if nothing is. */
function shownFault({ evidence, entries }) {
  const [page] = /[^/]*$/.exec(location.pathname);
  const [{ entry, fields }] = entries;
  if (entries.length !== 1 || String(entry.index) !== page || evidence.entries.length !== 1) {
    return { name: "index", detail: `the page is of entry ${page}, its evidence of entry ${entry.index}` };
  }
  return unprovedField(document.querySelectorAll("[data-field]"), fields);
}

function policyWords({ evidence }, kept) {
  if (!kept) return "Checked under the log's own policy, which is its own word on whom to trust.";
  const differs = evidence !== null && !samePolicy(evidence.policy, kept.text);
  const other = differs ? " The log's own policy is another one." : "";
  return `Checked under your policy, pasted on ${kept.pastedAt.replace("T", " at ").replace("Z", " UTC")}.${other}`;
}

function shownStep(step) {
  const item = document.createElement("li");
  const name = document.createElement("b");
  name.textContent = title(step);
  item.append(name, ` ${SAID[step.status]}: ${step.detail}`);
  return item;
}

function say(health, words, why) {
  byId("verify-outcome").className = `badge badge-${health}`;
  const text = document.createElement("span");
  text.textContent = words;
  byId("verify-outcome").replaceChildren(byId(`mark-${health}`).content.cloneNode(true), text);
  byId("verify-why").textContent = why;
  byId("verify-said").dataset.done = health;
}

startPolicyForm(verify);
verify();
