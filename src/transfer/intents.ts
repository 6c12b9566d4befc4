import { RolloutError } from '../cluster/errors.js';
import { FACTS, type PackedEntries } from './pack.js';
import type { ByteName } from './names.js';

/** A file that was being written, as it lies at the destination once it is. */
export interface Intended {
  readonly name: ByteName;
  /** Bytes, and nanoseconds since the epoch. */
  readonly size: bigint;
  readonly mtime: bigint;
}

/** Between the names, which are joined by slashes, and what is known of each: no name holds it. */
const END = '\0';
const SIZE = 16;

/** What the ledger says of a unit before it is written: all that a kill may leave under final names (R1, R17). */
export function encodeIntent({ names, facts, count }: PackedEntries): Buffer {
  const known = Buffer.allocUnsafe(count * SIZE);
  for (let index = 0; index < count; index += 1) {
    known.set(facts.subarray(index * FACTS, index * FACTS + SIZE), index * SIZE);
  }
  return Buffer.concat([Buffer.from(`${names}${END}`, 'latin1'), known]);
}

/**
 * Empty for an intent that only says where temporary names may lie.
 *
 * @throws RolloutError LEDGER_DAMAGED when the bytes are no intent.
 */
export function decodeIntent(value: Buffer): Intended[] {
  const end = value.indexOf(0);
  if (end < 0 || value.length === end + 1) return [];
  const names = value.toString('latin1', 0, end).split('/');
  const isDamaged = names.some((name) => name === '' || name === '.' || name === '..');
  if (isDamaged || value.length !== end + 1 + names.length * SIZE) {
    throw new RolloutError('LEDGER_DAMAGED', 'the ledger holds an intent that is none');
  }
  return names.map((name, index) => {
    const at = end + 1 + index * SIZE;
    return { name, size: value.readBigInt64LE(at), mtime: value.readBigInt64LE(at + 8) };
  });
}
