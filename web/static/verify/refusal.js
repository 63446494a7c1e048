/**
 * Why something is refused. `check` is the name of the failed check, the same as `tlog verify --json` prints.
 */
export class Refusal extends Error {
  constructor(check, message) {
    super(message);
    this.name = "Refusal";
    this.check = check;
  }
}

/** Return the refusal of input that breaks its format. */
export function malformed(message) {
  return new Refusal("format", message);
}

/** Return the refusal of a policy file that breaks its format. */
export function malformedPolicy(message) {
  return new Refusal("policy", message);
}
