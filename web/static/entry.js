/** On an entry's page: verify its evidence here, in the reader's browser, and show each step. */
import { verifyEvidence } from "./verify/evidence_verifier.js";

const byId = (id) => document.getElementById(id);
const SAID = { passed: "holds", failed: "FAILED", skipped: "not checked" };

function shown(step) {
  const item = document.createElement("li");
  const name = document.createElement("b");
  name.textContent = step.subject ? `${step.name}, ${step.subject}` : step.name;
  item.append(name, ` ${SAID[step.status]}: ${step.detail}`);
  return item;
}

/** Return what this log serves to everybody under a path, null where it serves nothing. */
async function fetchPath(path) {
  const answer = await fetch(`/${path}`, { credentials: "omit" });
  return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
}

async function run() {
  byId("verify-here").hidden = false;
  const data = new TextEncoder().encode(byId("evidence").textContent);
  const { passed, failure, steps } = await verifyEvidence(data, { fetchPath });
  byId("verify-steps").replaceChildren(...steps.map(shown));
  say(passed, passed ? "Verified in your browser" : `Does not verify in your browser: ${failure?.name ?? "nothing checked"}`);
}

function say(good, words) {
  byId("verify-outcome").className = `badge badge-${good ? "good" : "bad"}`;
  byId("verify-outcome").textContent = `${good ? "✓" : "✗"} ${words}`;
}

run().catch((error) => say(false, `The check itself failed in your browser: ${error}`));
