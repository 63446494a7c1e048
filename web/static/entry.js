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

async function run() {
  byId("verify-here").hidden = false;
  const data = new TextEncoder().encode(byId("evidence").textContent);
  const { passed, failure, steps } = await verifyEvidence(data);
  byId("verify-steps").replaceChildren(...steps.map(shown));
  byId("verify-outcome").className = `badge badge-${passed ? "good" : "bad"}`;
  byId("verify-outcome").textContent = passed
    ? "✓ Verified in your browser"
    : `✗ Does not verify in your browser: ${failure?.name ?? "nothing was checked"}`;
}

run();
