/**
 * Evidence files `tlog-evidence/v1`, as `tlog/audit/evidence.py`: one JSON object whose unknown members are refused.
 * Nothing that is parsed here is verified.
 */
import { b64decode, HASH_BYTES } from "./encoding.js";
import { malformed } from "./refusal.js";
import { array, constant, nullable, size, struct, table, text } from "./shape.js";
import { parseJson } from "./strict_json.js";

export const MAX_BYTES = 16 << 20;
const MAX_ENTRIES = 500;
const MAX_FIELDS = 512;
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z$/;

const hashText = text({});
const noteText = text({ most: 1 << 20 });
const erasure = struct(
  {
    part: text({ pattern: /^(?:actor|shared|subjects\[(?:0|[1-9][0-9]{0,3})\])$/ }),
    act: text({ pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ }),
    at: nullable(text({ pattern: TIME })),
    index: nullable(size(null)),
  },
  { optional: { at: null, index: null }, strict: false },
);
const entry = struct(
  {
    index: size(),
    size: size(),
    after: nullable(size()),
    leaf: hashText,
    inclusion: array(hashText, { most: 63 }),
    disclosures: table(hashText, { most: MAX_FIELDS }),
    digests: array(hashText, { most: MAX_FIELDS }),
    erasures: array(erasure, { most: MAX_FIELDS }),
  },
  { optional: { erasures: Object.freeze([]) } },
);
const evidence = struct({
  format: constant("tlog-evidence/v1"),
  origin: text({ least: 1, most: 255 }),
  made_at: text({ most: 40 }),
  policy: noteText,
  checkpoints: array(noteText, { least: 1, most: 2 * MAX_ENTRIES }),
  consistency: array(array(hashText, { most: 126 }), { most: Infinity }),
  entries: array(entry, { least: 1, most: MAX_ENTRIES }),
});

/** Return the evidence in a file's bytes; numbers are BigInt, hashes still base64. */
export function parseEvidence(data) {
  if (data.length > MAX_BYTES) throw malformed(`evidence: ${data.length} bytes, more than ${MAX_BYTES}`);
  return evidence(parseJson(data, "evidence"), "$");
}

/** Return the 32-byte hashes of base64 texts. */
export function hashes(texts) {
  return texts.map((one) => b64decode(one, malformed, "evidence: a hash", HASH_BYTES));
}
