/**
 * The steps of a verification, in their order. A step has
 *
 *     name       what is checked ("log signature")
 *     subject    of what ("checkpoint of 20 leaves"); may be empty
 *     status     "passed", "failed" or "skipped"
 *     detail     what was found, exactly why it failed, or which failure it was skipped for
 *     keys       the keys that it was checked against, in words
 *     check      the name of the failed check, as `tlog verify` has it; null where none failed
 *     value      what later steps need of it; undefined unless it passed
 *
 * A step that needs one which did not pass is skipped: nothing is concluded from what was not shown.
 */
import { Refusal } from "./refusal.js";

export class Steps {
  /** `onStep` is called with each step once it is decided. */
  constructor(onStep = () => {}) {
    this.all = [];
    this.onStep = onStep;
  }

  /** Whether all steps passed, and there was one. */
  get passed() {
    return this.all.length > 0 && this.all.every(({ status }) => status === "passed");
  }

  /** The first step that failed; null if none did. */
  get failure() {
    return this.all.find(({ status }) => status === "failed") ?? null;
  }

  /**
   * Take a step. `check` may be asynchronous; it returns {detail, keys, value} (each may be left out) or throws a
   * `Refusal`. Any other error is a fault of this program, and a failed step as well: nothing passes by accident.
   */
  async take({ name, subject = "", needs = [] }, check) {
    const missing = needs.find(({ status }) => status !== "passed");
    const step = missing ? skipped(missing) : await decided(check);
    return this.add({ name, subject, ...step });
  }

  add(step) {
    this.all.push(Object.freeze(step));
    this.onStep(step);
    return step;
  }
}

async function decided(check) {
  try {
    const { detail = "", keys = [], value = null } = (await check()) ?? {};
    return { status: "passed", detail, keys, check: null, value };
  } catch (error) {
    const known = error instanceof Refusal;
    const detail = known ? error.message : `this program failed: ${error}`;
    return {
      status: "failed",
      detail,
      keys: error.keys ?? [],
      check: known ? error.check : "program",
      value: undefined,
    };
  }
}

function skipped({ name, subject, status, detail }) {
  const because = status === "failed" ? `not checked, because this failed: ${title({ name, subject })}` : detail;
  return { status: "skipped", detail: because, keys: [], check: null, value: undefined };
}

/** Return a step's name with what it is of. */
export function title({ name, subject }) {
  return subject ? `${name}, ${subject}` : name;
}
