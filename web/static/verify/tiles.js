/**
 * A log's tree read from its public tiles (https://c2sp.org/tlog-tiles), of which nothing is believed before it is
 * hashed up to the root of a checkpoint, as `tlog/merkle/reader.py`:
 *
 * 1. the right edge (the partial tile of every level), because the root that it makes is the checkpoint's;
 * 2. a full tile, because its root is the hash that its parent tile, itself verified, holds in its place.
 *
 * What does not fit is refused by the tile's path. Sizes, levels and indices are BigInt.
 */
import { HASH_BYTES, sameBytes } from "./encoding.js";
import { nodeHash, sha256 } from "./hashing.js";
import { Refusal } from "./refusal.js";
import { edgeTiles, perfectParts, TILE_HEIGHT, TILE_WIDTH, tilePath, tileWidth } from "./tile_path.js";

const wrong = (message) => new Refusal("tile", message);

export class Tiles {
  /**
   * `fetchPath` takes a path ("tile/0/000.p/7") and returns its bytes, or null where the log has none. `known` maps
   * "height/index" of a subtree to its hash, where that is known already: it helps to say which tile is wrong.
   */
  constructor(fetchPath, size, root, known = new Map()) {
    this.fetchPath = fetchPath;
    this.size = size;
    this.root = root;
    this.known = known;
    this.verified = new Map();
    this.edge = null;
  }

  /** Return the hash of the perfect subtree `index` of this height; all its leaves are in the tree. */
  async node(height, index) {
    const [level, row] = [height / TILE_HEIGHT, height % TILE_HEIGHT];
    const tile = index >> (TILE_HEIGHT - row);
    const rows = await this.rows(level, tile);
    return rows[Number(row)][Number(index - (tile << (TILE_HEIGHT - row)))];
  }

  /** Return the root hash of the first `size` leaves, of at most as many as the tree has. */
  async rootOf(size) {
    const parts = perfectParts(size);
    if (!parts.length) return sha256(new Uint8Array());
    return this.joined(parts);
  }

  /** Return the RFC 6962 inclusion proof of a leaf: its siblings, what is right of its subtree, then what is left. */
  async inclusionProof(index) {
    const parts = perfectParts(this.size);
    const own = parts.findIndex(([height, at]) => index >> height === at);
    const proof = [];
    for (let height = 0n; height < parts[own][0]; height += 1n) {
      proof.push(await this.node(height, (index >> height) ^ 1n));
    }
    const right = parts.slice(own + 1);
    if (right.length) proof.push(await this.joined(right));
    for (const [height, at] of parts.slice(0, own).reverse()) proof.push(await this.node(height, at));
    return proof;
  }

  /** Return the rows of nodes over a tile, verified: row 0 is the tile, row h lies h above it. */
  async rows(level, index) {
    this.edge ??= this.readEdge();
    await this.edge;
    const key = `${level}/${index}`;
    if (!this.verified.has(key)) this.verified.set(key, await this.readFull(level, index));
    return this.verified.get(key);
  }

  async joined(parts) {
    let right = null;
    for (const [height, at] of [...parts].reverse()) {
      const node = await this.node(height, at);
      right = right === null ? node : await nodeHash(node, right);
    }
    return right;
  }

  async readFull(level, index) {
    if (tileWidth(this.size, level, index) < TILE_WIDTH) throw wrong(`tile ${level}/${index} is not in the tree`);
    const parent = await this.rows(level + 1n, index / TILE_WIDTH);
    const rows = await rowsOver(await this.read(level, index, TILE_WIDTH));
    if (!sameBytes(rows.at(-1)[0], parent[0][Number(index % TILE_WIDTH)])) {
      throw wrong(`${tilePath(level, index, TILE_WIDTH)} does not hash to its place in the tree`);
    }
    return rows;
  }

  async readEdge() {
    const edge = [];
    for (const [level, index, width] of edgeTiles(this.size)) {
      edge.push({ level, index, width, rows: await rowsOver(await this.read(level, index, width)) });
    }
    for (const { level, index, rows } of edge) this.verified.set(`${level}/${index}`, rows);
    const root = await this.edgeRoot(edge);
    if (!sameBytes(root, this.root)) {
      throw wrong(`${this.suspects(edge)}: the right edge does not hash to the root of ${this.size} leaves`);
    }
  }

  async edgeRoot(edge) {
    let right = null;
    for (const { rows } of edge) {
      for (const row of rows) {
        if (row.length % 2) right = right === null ? row.at(-1) : await nodeHash(row.at(-1), right);
      }
    }
    return right ?? sha256(new Uint8Array());
  }

  /** Name the tile of the edge that is wrong, or those of which one is, as far as what is known tells. */
  suspects(edge) {
    const paths = (tiles) => tiles.map(({ level, index, width }) => tilePath(level, index, width)).join(" or ");
    const differing = edge.filter((tile) => this.knownOf(tile).some(({ own, hash }) => !sameBytes(own, hash)));
    if (differing.length) return `${paths(differing)} is wrong`;
    const unsure = edge.filter((tile) => !this.isKnown(tile));
    return `${paths(unsure.length ? unsure : edge)} is wrong`;
  }

  /** Return {own, hash} of the nodes over a tile whose hash is known: what the tile makes, and what it should be. */
  knownOf({ level, index, rows }) {
    const found = [];
    rows.forEach((row, above) => {
      row.forEach((own, at) => {
        const place = (index << (TILE_HEIGHT - BigInt(above))) + BigInt(at);
        const hash = this.known.get(`${level * TILE_HEIGHT + BigInt(above)}/${place}`);
        if (hash) found.push({ own, hash });
      });
    });
    return found;
  }

  /** Whether every perfect part that a tile of the edge adds to the root is known. */
  isKnown({ level }) {
    const parts = perfectParts(this.size).filter(([height]) => height / TILE_HEIGHT === level);
    return parts.every(([height, at]) => this.known.has(`${height}/${at}`));
  }

  async read(level, index, width) {
    const path = tilePath(level, index, width);
    let data = await this.fetchPath(path);
    // A log may drop partial tiles once the full one is there (tlog-tiles, "Partial Tiles").
    if (data === null && width < TILE_WIDTH) {
      data = await this.fetchPath(tilePath(level, index, TILE_WIDTH));
      if (data?.length === Number(TILE_WIDTH) * HASH_BYTES) data = data.slice(0, Number(width) * HASH_BYTES);
    }
    if (data === null) throw wrong(`${path}: the log does not have it`);
    if (data.length !== Number(width) * HASH_BYTES) {
      throw wrong(`${path}: ${data.length} bytes where ${width} hashes of ${HASH_BYTES} bytes belong`);
    }
    return data;
  }
}

/** Return the rows of nodes over a tile's bytes, upward until a row has one hash. An odd last hash has no parent. */
async function rowsOver(data) {
  const rows = [[]];
  for (let at = 0; at < data.length; at += HASH_BYTES) rows[0].push(data.slice(at, at + HASH_BYTES));
  while (rows.at(-1).length > 1) {
    const row = rows.at(-1);
    const pairs = Array.from({ length: Math.floor(row.length / 2) }, (_, i) => nodeHash(row[2 * i], row[2 * i + 1]));
    rows.push(await Promise.all(pairs));
  }
  return rows;
}

/**
 * Return the hashes of subtrees that a verified inclusion proof tells, by "height/index": those on the way from the
 * leaf to the root of its perfect subtree, their siblings, and the perfect subtrees left of it.
 */
export async function nodesOf(leafHash, index, size, proof) {
  const parts = perfectParts(size);
  const own = parts.findIndex(([height, at]) => index >> height === at);
  const known = new Map([[`0/${index}`, leafHash]]);
  let [hash, height] = [leafHash, 0n];
  for (; height < parts[own][0]; height += 1n) {
    const [at, sibling] = [index >> height, proof[Number(height)]];
    known.set(`${height}/${at ^ 1n}`, sibling);
    hash = await (at & 1n ? nodeHash(sibling, hash) : nodeHash(hash, sibling));
    known.set(`${height + 1n}/${at >> 1n}`, hash);
  }
  const left = proof.slice(Number(height) + (own + 1 < parts.length ? 1 : 0));
  parts
    .slice(0, own)
    .reverse()
    .forEach(([above, at], i) => known.set(`${above}/${at}`, left[i]));
  return known;
}
