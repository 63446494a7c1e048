/**
 * The quorum rule of a trust policy (https://c2sp.org/tlog-policy), as `tlog/formats/quorum.py`: a group witnesses a
 * checkpoint if at least `threshold` of its members do; a member is a witness or a group defined earlier.
 * Names are octets, one character each (`encoding.octets`).
 */
import { bytesOf, utf8Text } from "./encoding.js";

export const NONE = "none";

/** Return the names of all witnesses and groups that witness, given the witnesses that cosigned. */
export function witnessing(groups, cosigned) {
  const names = new Set(cosigned);
  for (const { name, threshold, members } of groups) {
    if (members.filter((member) => names.has(member)).length >= threshold) names.add(name);
  }
  return names;
}

/** Return {name, needed, met, members} of the quorum, for people: a quorum that is one witness has one member. */
export function quorumReport(quorum, groups, cosigned) {
  const names = witnessing(groups, cosigned);
  const group = groups.find(({ name }) => name === quorum) ?? { name: quorum, threshold: 1, members: [quorum] };
  const met = group.members.filter((member) => names.has(member));
  return {
    name: printable(group.name),
    needed: group.threshold,
    met: met.map(printable),
    members: group.members.map(printable),
  };
}

/** Return, for people, how far the quorum is from being met. */
export function shortfall(quorum, groups, cosigned) {
  const { name, needed, met, members } = quorumReport(quorum, groups, cosigned);
  const missing = members.filter((member) => !met.includes(member));
  return `${name}: ${met.length} of the needed ${needed} cosigned; missing: ${missing.join(", ")}`;
}

/** Return a name of octets for a message: UTF-8 where it is, escapes where it is not. */
export function printable(name) {
  const text = utf8Text(bytesOf(name));
  return text ?? name.replace(/[\x80-\xff]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}
