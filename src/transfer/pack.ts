import type { ByteName } from './names.js';
import { ROW_SIZE, writeRow } from './row.js';
import type { Entry, Outcome, UnitResult } from './work.js';

/**
 * Entries between threads: one string and one block of memory per unit, because cloning an object per file costs as
 * much as copying the file.
 */
export interface PackedEntries {
  readonly count: number;
  readonly bytes: number;
  /** Joined by a slash, which no name holds. */
  readonly names: string;
  readonly facts: Buffer;
  /** Encoded rows, in order, of those entries that have one. */
  readonly rows: Buffer;
}

/** Bytes of an entry without its name and row. */
export const FACTS = 66;
const WHYS = ['new', 'changed', 'check'] as const;

export function packEntries(entries: readonly Entry[]): PackedEntries {
  const facts = Buffer.alloc(entries.length * FACTS);
  const rows: Buffer[] = [];
  let bytes = 0;
  let at = 0;
  const view = viewOf(facts);
  for (const { kind, why, facts: f, row } of entries) {
    view.setBigInt64(at, f.size, true);
    view.setBigInt64(at + 8, f.mtime, true);
    view.setBigInt64(at + 16, f.ctime, true);
    view.setBigUint64(at + 24, f.ino, true);
    view.setBigInt64(at + 32, f.atime, true);
    view.setBigInt64(at + 40, f.blocks, true);
    view.setUint32(at + 48, f.mode, true);
    view.setUint32(at + 52, f.uid, true);
    view.setUint32(at + 56, f.gid, true);
    view.setUint32(at + 60, f.links, true);
    facts[at + 64] = WHYS.indexOf(why) | (row === undefined ? 0 : 0x80);
    facts[at + 65] = kind === 'file' ? 0 : 1;
    if (row !== undefined) rows.push(row);
    bytes += Number(f.size);
    at += FACTS;
  }
  const names = entries.map(({ name }) => name).join('/');
  return { count: entries.length, bytes, names, facts, rows: Buffer.concat(rows) };
}

/** @param place says of each name whether something can be in its place. */
export function unpackEntries(packed: PackedEntries, place: (name: ByteName) => Entry['place']): Entry[] {
  // from another thread, memory comes as plain bytes
  const facts = asBuffer(packed.facts);
  const view = viewOf(facts);
  const rows = asBuffer(packed.rows);
  let row = 0;
  return namesOf(packed).map((name, index) => {
    const at = index * FACTS;
    const flags = facts[at + 64] ?? 0;
    const hasRow = (flags & 0x80) !== 0;
    const entry: Entry = {
      name,
      kind: facts[at + 65] === 0 ? 'file' : 'link',
      why: WHYS[flags & 0x7f] ?? 'new',
      place: place(name),
      facts: {
        size: view.getBigInt64(at, true),
        mtime: view.getBigInt64(at + 8, true),
        ctime: view.getBigInt64(at + 16, true),
        ino: view.getBigUint64(at + 24, true),
        atime: view.getBigInt64(at + 32, true),
        blocks: view.getBigInt64(at + 40, true),
        mode: view.getUint32(at + 48, true),
        uid: view.getUint32(at + 52, true),
        gid: view.getUint32(at + 56, true),
        links: view.getUint32(at + 60, true),
      },
      ...(hasRow ? { row: rows.subarray(row, row + ROW_SIZE) } : {}),
    };
    if (hasRow) row += ROW_SIZE;
    return entry;
  });
}

export function namesOf({ count, names }: PackedEntries): ByteName[] {
  return count === 0 ? [] : names.split('/');
}

/** Results between threads: rows side by side, and only what is out of the ordinary as objects. */
export interface PackedResult {
  /** Outcomes of the first so many entries. */
  readonly reached: number;
  /** A row per entry that has one now, in order. */
  readonly rows: Buffer;
  /** Index and outcome of entries that were not simply copied. */
  readonly odd: readonly (readonly [index: number, outcome: Outcome])[];
  readonly closed: boolean;
  readonly failed?: NonNullable<UnitResult['failed']>;
}

export function packResult({ outcomes, closed, failed }: UnitResult): PackedResult {
  const withRow = outcomes.filter((outcome) => 'row' in outcome);
  const rows = Buffer.alloc(withRow.length * ROW_SIZE);
  for (const [index, { row }] of withRow.entries()) writeRow(rows, index * ROW_SIZE, row);
  const odd = outcomes.flatMap((outcome, index) =>
    outcome.is === 'copied' && outcome.conflict !== true ? [] : [[index, outcome] as const],
  );
  return { reached: outcomes.length, rows, odd, closed, ...(failed === undefined ? {} : { failed }) };
}

/** For 64-bit numbers: many times faster than Buffer's own methods. */
function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes as a Buffer, without copying them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
