/**
 * What a trust policy decides, as `tlog/formats/trust_policy.py`: which keys are a log's, whether the witnesses that
 * cosigned are a quorum, and what their times say. Times are POSIX seconds (BigInt) by the policy's witness names, in
 * a Map.
 */
import { NONE, quorumReport, shortfall, witnessing } from "./quorum.js";

export class TrustPolicy {
  /** `logs` are verifier keys, `witnesses` {name, vkey}, `groups` {name, threshold, members}; `quorum` is a name. */
  constructor(logs, witnesses, groups, quorum) {
    this.logs = logs;
    this.witnesses = witnesses;
    this.groups = groups;
    this.quorum = quorum;
  }

  /** Return the keys of the log of this origin; none if the policy does not list it. */
  keysOf(origin) {
    return this.logs.filter((vkey) => vkey.name === origin);
  }

  /** Whether cosignatures by these witnesses suffice. */
  quorumMet(names) {
    if (this.quorum === NONE) return true;
    const known = this.witnesses.map(({ name }) => name).filter((name) => names.includes(name));
    return witnessing(this.groups, known).has(this.quorum);
  }

  /** Return {name, needed, met, members} of the quorum for people; null where the policy wants none. */
  report(cosigned) {
    return this.quorum === NONE ? null : quorumReport(this.quorum, this.groups, cosigned.keys());
  }

  /** Return, for people, how far the quorum is from being met. */
  shortfall(cosigned) {
    return shortfall(this.quorum, this.groups, cosigned.keys());
  }

  /** Return the earliest of these times by which the quorum had cosigned; null if it never had, or needs nobody. */
  metAt(cosigned) {
    return this.firstTime(cosigned, ascending, (time) => this.quorumMet(namesWhere(cosigned, (at) => at <= time)));
  }

  /** Return the latest of these times such that those who cosigned then or later meet the quorum; else null. */
  metFrom(cosigned) {
    return this.firstTime(cosigned, descending, (time) => this.quorumMet(namesWhere(cosigned, (at) => at >= time)));
  }

  /**
   * Return the latest of these times until which nothing larger than what they cosigned had a quorum; else null. From
   * then on so many had cosigned it that the others alone are no quorum.
   */
  unseenUntil(cosigned) {
    const everybody = this.witnesses.map(({ name }) => name);
    return this.firstTime(cosigned, descending, (time) => {
      const later = new Set(namesWhere(cosigned, (at) => at >= time));
      return !this.quorumMet(everybody.filter((name) => !later.has(name)));
    });
  }

  firstTime(cosigned, order, holds) {
    if (this.quorum === NONE) return null;
    return [...cosigned.values()].sort(order).find(holds) ?? null;
  }
}

function ascending(one, other) {
  return one < other ? -1 : Number(one > other);
}

function descending(one, other) {
  return ascending(other, one);
}

function namesWhere(cosigned, wanted) {
  return [...cosigned].filter(([, at]) => wanted(at)).map(([name]) => name);
}
