/**
 * Checkpoints: signed tree heads (https://c2sp.org/tlog-checkpoint), as `tlog/formats/checkpoint.py`.
 * The text of the note is origin, size, root hash, and extension lines, each a line that is not empty.
 */
import { malformed } from "./refusal.js";
import { b64decode, checkLine, HASH_BYTES, parseDecimal, splitLines } from "./encoding.js";

/** Return {origin, size, root} of a note's text. */
export function parseCheckpoint(text) {
  const lines = splitLines(text, malformed, "checkpoint");
  if (lines.length < 3) {
    throw malformed(`checkpoint: ${lines.length} lines where origin, size and root hash belong`);
  }
  const [origin, size, root, ...extensions] = lines;
  const parsed = {
    origin,
    size: parseDecimal(size, malformed, "checkpoint tree size"),
    root: b64decode(root, malformed, "checkpoint root hash", HASH_BYTES),
  };
  checkLine(origin, malformed, "checkpoint origin");
  for (const line of extensions) checkLine(line, malformed, "checkpoint extension line");
  return parsed;
}
