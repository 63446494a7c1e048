/**
 * Names and widths of tiles (https://c2sp.org/tlog-tiles), as `tlog/formats/tile.py`: a tile holds up to 256 hashes of
 * one level; hash i of tile n at level l is that of the leaves from (256·n + i)·256^l on, 256^l of them.
 */
export const TILE_WIDTH = 256n;
export const TILE_HEIGHT = 8n;

/** Return the path of a tile below the log's address, without a slash before it. */
export function tilePath(level, index, width) {
  let path = String(index % 1000n).padStart(3, "0");
  for (let left = index / 1000n; left; left /= 1000n) path = `x${String(left % 1000n).padStart(3, "0")}/${path}`;
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ""}`;
}

/** Return how many hashes a tile has in a tree of `size` leaves: at most 256, and 0 or less outside of it. */
export function tileWidth(size, level, index) {
  const left = (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH;
  return left < TILE_WIDTH ? left : TILE_WIDTH;
}

/** Return [level, index, width] of the partial tile of each level that has one, the lowest level first. */
export function edgeTiles(size) {
  const found = [];
  for (let level = 0n, left = size; left; level += 1n, left >>= TILE_HEIGHT) {
    if (left % TILE_WIDTH) found.push([level, left / TILE_WIDTH, left % TILE_WIDTH]);
  }
  return found;
}

/**
 * Return [height, index] of the perfect subtrees that a tree of `size` leaves is made of, the largest first: subtree
 * `index` of height h has the leaves from index·2^h on.
 */
export function perfectParts(size) {
  const found = [];
  for (let height = 0n; size >> height; height += 1n) {
    if ((size >> height) & 1n) found.unshift([height, (size >> height) - 1n]);
  }
  return found;
}
