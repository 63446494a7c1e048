/**
 * What may stand beside what in a trust policy (https://c2sp.org/tlog-policy, "Structure"), as
 * `tlog/formats/policy_scope.py`: names are unique and defined before they are used, keys occur once, thresholds can be
 * met. `fail` makes the error to throw.
 */
import { hex } from "./encoding.js";
import { NONE, printable } from "./quorum.js";
import { ED25519 } from "./vkey.js";

const TOKEN = /^[\x21-\x7e\x80-\xff]+$/;

export class PolicyScope {
  constructor(fail) {
    this.fail = fail;
    this.names = new Set();
    this.keys = { log: new Set(), witness: new Set() };
  }

  /** Admit the key of a log. */
  addLog(vkey) {
    this.addKey("log", vkey);
  }

  /** Admit a witness by its name inside the policy. */
  addWitness(name, vkey) {
    if (vkey.type === ED25519) {
      throw this.fail(`witness ${printable(name)}: its key is not a cosigner's (0x04 or 0x06)`);
    }
    this.addKey("witness", vkey);
    this.define(name);
  }

  /** Admit a group whose members are all defined. */
  addGroup({ name, threshold, members }) {
    const what = `group ${printable(name)}`;
    for (const member of members) this.require(member, what);
    if (new Set(members).size !== members.length) throw this.fail(`${what}: a member is listed twice`);
    if (threshold < 1n || threshold > BigInt(members.length)) {
      throw this.fail(`${what}: threshold ${threshold} is not within 1 and ${members.length}`);
    }
    this.define(name);
  }

  /** Check that the quorum is `none`, or a witness or group defined earlier. */
  requireQuorum(name) {
    if (name !== NONE) this.require(name, "quorum");
  }

  require(name, what) {
    if (!this.names.has(name)) throw this.fail(`${what}: ${printable(name)} is no witness or group defined earlier`);
  }

  addKey(kind, vkey) {
    const [publicKey, seen] = [hex(vkey.publicKey), this.keys[kind]];
    if (seen.has(publicKey)) throw this.fail(`${kind} ${vkey.name}: this public key has a ${kind} line already`);
    if (seen.has(vkey.key)) throw this.fail(`${kind} ${vkey.name}: another key has the same name and key ID`);
    seen.add(publicKey).add(vkey.key);
  }

  define(name) {
    if (!TOKEN.test(name) || name === NONE) throw this.fail(`the name '${printable(name)}' cannot be defined`);
    if (this.names.has(name)) throw this.fail(`the name ${printable(name)} is defined already`);
    this.names.add(name);
  }
}
