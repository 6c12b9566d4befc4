import { createHash, hash } from 'node:crypto';

/** Parts into which a table's rows are sorted by their keys: a difference is then looked for in few of them. */
export const BUCKETS = 4_096;
const MASK = (1n << 64n) - 1n;

/** One row, normalised. */
export interface RowPrint {
  readonly bucket: number;
  /** Of all its values. */
  readonly print: string;
}

/** @param key normalised values of the key, @param values of all columns. */
export function printOf(key: readonly Buffer[], values: readonly Buffer[]): RowPrint {
  return { bucket: Number.parseInt(sha256(key).slice(0, 3), 16), print: sha256(values) };
}

/**
 * The rows of one table in little memory, in whatever order they come: how many there are in each part, and the sum of
 * their hashes. Rows that are there twice count twice.
 */
export class TableDigest {
  readonly #counts = new Uint32Array(BUCKETS);
  readonly #sums = new BigUint64Array(BUCKETS);
  rows = 0;

  add({ bucket, print }: RowPrint): void {
    this.rows += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sums[bucket] = ((this.#sums[bucket] ?? 0n) + BigInt(`0x${print.slice(0, 16)}`)) & MASK;
  }

  /** The parts in which two tables differ, with how many rows both have there. */
  differingFrom(other: TableDigest): ReadonlyMap<number, number> {
    const found = new Map<number, number>();
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const [mine = 0, theirs = 0] = [this.#counts[bucket], other.#counts[bucket]];
      if (mine !== theirs || this.#sums[bucket] !== other.#sums[bucket]) found.set(bucket, mine + theirs);
    }
    return found;
  }

  /** Hex sha256 of the rows. */
  hash(): string {
    return createHash('sha256').update(this.#counts).update(this.#sums).digest('hex');
  }
}

/** Each value with its length, so that no two rows run together to the same bytes. */
function sha256(values: readonly Buffer[]): string {
  const parts = values.flatMap((value) => [Buffer.from(`${value.length}:`), value]);
  return hash('sha256', Buffer.concat(parts), 'hex');
}
