/** The form in which a reader pastes a trust policy of their own, keeps it and forgets it. */
import { utf8 } from "../verify/encoding.js";
import { parsePolicy } from "../verify/policy.js";
import { forgetPolicy, keepPolicy, keptPolicy } from "./kept_policy.js";

const byId = (id) => document.getElementById(id);

/** Show the form; `changed` is called whenever another policy counts. */
export function startPolicyForm(changed) {
  byId("own-policy").hidden = false;
  byId("policy-keep").addEventListener("click", () => keep(changed));
  byId("policy-forget").addEventListener("click", () => forget(changed));
  showKept();
}

async function keep(changed) {
  const text = pasted();
  try {
    if (text === "") throw new Error("paste a policy first");
    await parsePolicy(utf8(text));
  } catch (error) {
    refuse(error.message);
    return;
  }
  const kept = keepPolicy(text, new Date());
  refuse("");
  showKept();
  byId("policy-note").textContent = kept ? "" : "This browser keeps nothing: it counts on this page only.";
  await changed();
}

async function forget(changed) {
  forgetPolicy();
  byId("policy-text").value = "";
  refuse("");
  showKept();
  byId("policy-text").focus(); // the button that had the focus is gone
  await changed();
}

/** Return the pasted text as a policy file: what is copied from a screen often lacks its last newline. */
function pasted() {
  const text = byId("policy-text").value;
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function refuse(why) {
  byId("policy-problem").textContent = why && `Not kept: ${why}.`;
  byId("policy-text").setAttribute("aria-invalid", String(why !== ""));
  if (why) byId("policy-text").focus();
}

function showKept() {
  const kept = readable();
  byId("policy-forget").hidden = kept === null;
  if (kept?.text) byId("policy-text").value = kept.text;
}

/** Return the kept policy; one that cannot be read can still be forgotten. */
function readable() {
  try {
    return keptPolicy();
  } catch {
    return {};
  }
}
