/**
 * Which 32 bytes may be an Ed25519 public key, as `tlog/formats/ed25519_point.py`: canonical encodings of points of the
 * curve (RFC 8032 section 5.1.3) whose order does not divide 8. Under a key of small order, signatures verify that no
 * private key made.
 */
const P = 2n ** 255n - 19n;
const D = 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n; // RFC 8032 section 5.1
const ORDER_8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const SMALL_ORDER_Y = new Set([0n, 1n, P - 1n, ORDER_8, P - ORDER_8]);

/** Throw what `fail` makes for bytes that are no acceptable key. */
export function checkPoint(publicKey, fail) {
  if (publicKey.length !== 32) throw fail(`Ed25519 key: ${publicKey.length} bytes where 32 belong`);
  const y = littleEndian(publicKey) & ((1n << 255n) - 1n);
  if (y >= P) throw fail("Ed25519 key: not the canonical encoding of a point");
  if (SMALL_ORDER_Y.has(y)) {
    throw fail("Ed25519 key: a point of small order, under which signatures prove nothing");
  }
  const square = (y * y) % P;
  // x² = (y² - 1) / (d·y² + 1) has a root exactly if numerator times denominator is a square (Euler's criterion).
  if (power((square - 1n) * (D * square + 1n), (P - 1n) / 2n) !== 1n)
    throw fail("Ed25519 key: not a point of the curve");
}

function littleEndian(bytes) {
  return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function power(base, exponent) {
  let [result, square] = [1n, ((base % P) + P) % P];
  for (let left = exponent; left; left >>= 1n) {
    if (left & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}
