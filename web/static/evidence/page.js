/** The page of an evidence file: verifies on opening, and again with a policy that its reader gives. */
import { verifyEvidence } from "../verify/evidence_verifier.js";
import { title } from "../verify/steps.js";
import { counted } from "../verify/words.js";
import { entryArticles } from "./show_entries.js";
import { stepGroups } from "./show_steps.js";
import { printable } from "./show_value.js";

const byId = (id) => document.getElementById(id);
const data = new TextEncoder().encode(byId("tlog-evidence").textContent);
let runs = 0;

/** Verify and show. `policy` is bytes, null for the file's own. Of two runs at once, the later one is shown. */
async function verify(policy) {
  const run = ++runs;
  byId("policy-problem").textContent = "";
  let done = 0;
  const onStep = () => {
    done += 1;
    if (run === runs && done % 50 === 0) byId("progress").textContent = `${done} checks done`;
  };
  say("none", "Verifying…");
  try {
    const result = await verifyEvidence(data, { policy, onStep });
    if (run === runs) show(result, policy);
  } catch (error) {
    say("failed", `Not verified. This page's program failed: ${error}`);
  }
}

function show(result, policy) {
  byId("trust").hidden = false;
  byId("steps").hidden = false;
  byId("steps-shown").replaceChildren(...stepGroups(result.steps));
  if (result.evidence) showEvidence(result);
  byId("policy-shown").textContent = policyText(result, policy);
  say(`${policy ? "given" : "own"} ${result.passed ? "passed" : "failed"}`, outcomeWords(result, policy));
}

/** Replace all that the page said of the evidence by what its data says. */
function showEvidence({ evidence, entries, passed }) {
  byId("origin").textContent = printable(evidence.origin);
  byId("count").textContent = counted(evidence.entries.length, "entry", "entries");
  byId("made-at").textContent = printable(evidence.made_at);
  byId("entries-shown").replaceChildren(...entryArticles(entries, passed));
}

function policyText(result, policy) {
  return policy ? new TextDecoder().decode(policy) : (result.evidence?.policy ?? "");
}

function outcomeWords({ passed, failure }, policy) {
  if (!passed) return `Not verified. What failed: ${title(failure)}: ${printable(failure.detail)}`;
  if (policy) return "Verified: everything in this file verifies under the policy that you gave.";
  return (
    "Verified, under the policy inside this file. That policy is the log's own word on whom to trust: " +
    "give your own below, and verify with that."
  );
}

function say(kind, words) {
  byId("outcome").className = `outcome ${kind}`;
  byId("outcome").textContent = words;
  byId("progress").textContent = ""; // beside the live region: a screen reader need not hear it
}

/** Return pasted text as a policy file: what is copied from a screen often lacks its last newline. */
function pasted() {
  const text = byId("policy-text").value;
  return new TextEncoder().encode(text === "" || text.endsWith("\n") ? text : `${text}\n`);
}

async function chosen() {
  const [file] = byId("policy-file").files;
  if (file) await verify(new Uint8Array(await file.arrayBuffer()));
}

/** Verify with the text in the box; an empty box is no policy, and says so. */
function checkPasted() {
  if (byId("policy-text").value.trim() === "") byId("policy-problem").textContent = "Paste a policy first.";
  else verify(pasted());
}

byId("policy-check").addEventListener("click", checkPasted);
byId("policy-own").addEventListener("click", () => verify(null));
byId("policy-file").addEventListener("change", chosen);
addEventListener("beforeprint", () => {
  for (const group of byId("steps-shown").querySelectorAll("details")) group.open = true;
});
verify(null);
