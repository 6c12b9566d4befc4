import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { carryOut, REVERSE, type Steering } from './engine.js';
import { judgeShare, settleRoot } from './marks.js';
import { Ledger, LedgerReader, type LedgerMeta } from './ledger.js';
import { TABLE, whole } from './ledger-keys.js';
import { lockLedger } from './lock.js';
import { fromText } from './names.js';
import { keptBy } from './pass-bounds.js';
import { compile } from './patterns.js';
import { decodeFolder, encodeFolder, FileState, readRow, ROW_SIZE, writeRow } from './row.js';
import type { PassResult, ReverseOptions } from './types.js';

/** Rows that are written at a time. */
const BATCH = 10_000;

/**
 * Brings back to the source what has changed at the destination since the final pass, with deletions and renames (R24):
 * the same pass as the way there, with the roles exchanged and a ledger of its own whose rows are those of the final
 * pass. The destination's version wins; whatever is replaced or removed is kept in the quarantine.
 *
 * @throws RolloutError DESTINATION_OTHER, LEDGER_BUSY, LEDGER_DAMAGED, NO_FINAL_PASS, USAGE when the quarantine is not on
 * the source's file system. The signal's reason.
 */
export async function reverseTree(options: ReverseOptions, steering: Steering): Promise<PassResult> {
  const began = Date.now();
  const release = await lockLedger(options.ledger);
  try {
    const forward = new LedgerReader(options.ledger);
    const back = join(options.ledger, REVERSE);
    let meta: LedgerMeta;
    try {
      meta = await baseOf(forward, options);
      await rebase(forward, meta, back);
    } finally {
      await forward.close();
    }
    const ledger = Ledger.open(back, hostname());
    try {
      const result = await carryOut(
        {
          options: {
            source: options.destination,
            destination: options.source,
            ledger: back,
            kind: 'delta',
            ...(options.exclude === undefined ? {} : { exclude: options.exclude }),
            ...(options.rehash === undefined ? {} : { rehash: options.rehash }),
            ...(options.maxDelete === undefined ? {} : { maxDelete: options.maxDelete }),
            ...(options.threads === undefined ? {} : { threads: options.threads }),
          },
          ...(meta.share === undefined ? {} : { loose: keptBy(meta.share) }),
          quarantine: fromText(options.quarantine),
          // one budget for the ledger's passes, whichever way they go
          limits: options.ledger,
        },
        steering,
        ledger,
        began,
      );
      settleRoot({ source: options.destination, destination: options.source });
      return { ...result, kind: 'reverse' };
    } finally {
      await ledger.close();
    }
  } finally {
    release();
  }
}

/** The final pass that the way back starts from; both trees and the quarantine are checked before the first write. */
async function baseOf(forward: LedgerReader, options: ReverseOptions): Promise<LedgerMeta> {
  const meta = forward.meta();
  if (meta === null) throw new RolloutError('DESTINATION_OTHER', 'nothing was copied with this ledger');
  // a share that was restored from a snapshot would take back what has been received since
  await judgeShare(meta, options.destination);
  if (meta.open !== null || meta.final !== meta.generation) {
    throw new RolloutError('NO_FINAL_PASS', 'the last pass of this ledger was no final pass that ended well');
  }
  const [kept, tree] = [`${options.quarantine}/`, `${options.source}/`];
  const leftOut = compile(options.exclude ?? []);
  const isInside = kept.startsWith(tree) && !leftOut(fromText(options.quarantine.slice(tree.length)));
  if (isInside || kept.startsWith(`${options.destination}/`)) {
    throw new RolloutError('USAGE', 'the quarantine lies inside one of the trees');
  }
  if (deviceOf(options.quarantine) !== deviceOf(options.source)) {
    throw new RolloutError('USAGE', 'the quarantine must be on the file system of the old tree');
  }
  mkdirSync(options.quarantine, { recursive: true, mode: 0o700 });
  return meta;
}

/** The file system of a folder; of one that is not there yet, that of the first one above it. */
function deviceOf(folder: string): number {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats?.dev ?? deviceOf(dirname(folder));
}

/** Makes the ledger of the way back, unless it is there: the rows of the final pass, frozen. */
async function rebase(forward: LedgerReader, meta: LedgerMeta, dir: string): Promise<void> {
  if (existsSync(join(dir, 'ledger.mdb'))) {
    const former = new LedgerReader(dir);
    const base = former.meta()?.base;
    await former.close();
    if (base === meta.generation) return;
    rmSync(dir, { recursive: true, force: true });
  }
  const ledger = Ledger.open(dir, meta.host);
  try {
    for (const table of [TABLE.folder, TABLE.place, TABLE.file, TABLE.link]) {
      for (const { key, value } of forward.range(whole(table))) {
        ledger.put(Buffer.from(key), inverted(table, Buffer.from(value)));
        if (ledger.waiting >= BATCH) ledger.commit();
      }
    }
    const { nextFolder, files, bytes } = meta;
    // began: old enough that no file counts as older than the last pass; renames come back as copies and deletions
    ledger.amend({ nextFolder, files, bytes, began: 1, generation: 1 });
    await ledger.durable();
    // last: an interrupted beginning is begun again
    ledger.amend({ base: meta.generation });
    await ledger.durable();
  } finally {
    await ledger.close();
  }
}

function inverted(table: string, value: Buffer): Buffer {
  if (table === TABLE.folder)
    return encodeFolder({ ...decodeFolder(value), made: 'foreign', stage: '', settled: true });
  if (table !== TABLE.file) return value;
  const row = Buffer.alloc(ROW_SIZE);
  // inode and change time are the old tree's: on the share they mean nothing
  writeRow(row, 0, { ...readRow(value), ctime: 0n, ino: 0n, state: FileState.done, generation: 0 });
  return row;
}
