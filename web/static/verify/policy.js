/**
 * Trust policy files (https://c2sp.org/tlog-policy), as `tlog/formats/policy.py`, one item a line:
 *
 *     log     <vkey> [<url>]
 *     witness <name> <vkey> [<url>]
 *     group   <name> ( all | any | <k> ) <name>...
 *     quorum  ( <name> | none )
 *
 * The file is octets and its last line ends with a newline, so that a file cut short is never read as another policy.
 */
import { bytesOf, octets, parseDecimal, utf8Text } from "./encoding.js";
import { PolicyScope } from "./policy_scope.js";
import { printable } from "./quorum.js";
import { malformedPolicy as fail } from "./refusal.js";
import { TrustPolicy } from "./trust_policy.js";
import { parseVkey } from "./vkey.js";

export const MAX_POLICY_BYTES = 1 << 20;
const FORBIDDEN = /[\x00-\x08\x0b-\x1f\x7f]/;

/** Return the `TrustPolicy` in a file's bytes. Throws a `Refusal` of check "policy" with the line's number, from 1. */
export async function parsePolicy(data) {
  if (data.length > MAX_POLICY_BYTES) throw fail(`policy: ${data.length} bytes, more than ${MAX_POLICY_BYTES}`);
  const text = octets(data);
  if (text && !text.endsWith("\n")) {
    throw fail("policy: the last line does not end with a newline; is the file cut short?");
  }
  const reader = new Reader();
  for (const [i, line] of text.split("\n").slice(0, -1).entries()) {
    try {
      await reader.read(line);
    } catch (error) {
      throw error.check === "policy" ? fail(`policy line ${i + 1}: ${error.message}`) : error;
    }
  }
  return reader.policy();
}

class Reader {
  constructor() {
    this.scope = new PolicyScope(fail);
    this.logs = [];
    this.witnesses = [];
    this.groups = [];
    this.quorum = null;
  }

  async read(line) {
    const found = FORBIDDEN.exec(line);
    if (found) {
      const octet = found[0].charCodeAt(0).toString(16).padStart(2, "0");
      throw fail(`octet 0x${octet} at column ${found.index + 1} is not allowed`);
    }
    const [keyword, ...fields] = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
    if (keyword === "" || keyword.startsWith("#")) return;
    if (keyword === "log") await this.readLog(fields);
    else if (keyword === "witness") await this.readWitness(fields);
    else if (keyword === "group") this.readGroup(fields);
    else if (keyword === "quorum") this.readQuorum(fields);
    else throw fail(`'${printable(keyword.slice(0, 40))}' is not log, witness, group or quorum`);
  }

  policy() {
    if (this.quorum === null) throw fail("policy: no quorum line");
    return new TrustPolicy(this.logs, this.witnesses, this.groups, this.quorum);
  }

  async readLog(fields) {
    checkCount(fields, 1, 2, "log <vkey> [<url>]");
    const vkey = await parseKey(fields[0]);
    this.scope.addLog(vkey);
    this.logs.push(vkey);
  }

  async readWitness(fields) {
    checkCount(fields, 2, 3, "witness <name> <vkey> [<url>]");
    const witness = { name: fields[0], vkey: await parseKey(fields[1]) };
    this.scope.addWitness(witness.name, witness.vkey);
    this.witnesses.push(witness);
  }

  readGroup(fields) {
    if (fields.length < 3) throw fail("not group <name> (all | any | <k>) <name>...");
    const [name, field, ...members] = fields;
    const threshold = parseThreshold(field, members.length);
    this.scope.addGroup({ name, threshold, members });
    this.groups.push({ name, threshold: Number(threshold), members });
  }

  readQuorum(fields) {
    checkCount(fields, 1, 1, "quorum <name>");
    if (this.quorum !== null) throw fail("a second quorum line");
    this.scope.requireQuorum(fields[0]);
    this.quorum = fields[0];
  }
}

function checkCount(fields, least, most, form) {
  if (fields.length < least || fields.length > most) throw fail(`not ${form}`);
}

function parseThreshold(field, members) {
  if (field === "all") return BigInt(members);
  return field === "any" ? 1n : parseDecimal(field, fail, "group threshold");
}

function parseKey(field) {
  const text = utf8Text(bytesOf(field));
  if (text === null) throw fail("vkey: not UTF-8");
  return parseVkey(text, fail);
}
