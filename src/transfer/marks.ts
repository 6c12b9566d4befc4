import { closeSync, openSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { runSync } from './io-sync.js';
import { futimes } from './io.js';
import type { Ledger, LedgerMeta } from './ledger.js';
import { destinationIsEmpty, judge, readSentinel, writeSentinel, type LedgerMark } from './sentinel.js';
import type { PassOptions } from './types.js';

export async function checkFolders({ source, destination }: PassOptions): Promise<void> {
  if (statSync(source, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new RolloutError('SOURCE_MISSING', `there is no folder ${source}`);
  }
  if (statSync(destination, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new RolloutError('DESTINATION_OTHER', `there is no folder ${destination}: is the share mounted?`);
  }
  const [from, to] = [`${await realpath(source)}/`, `${await realpath(destination)}/`];
  if (from.startsWith(to) || to.startsWith(from)) {
    throw new RolloutError('USAGE', 'source and destination lie in one another');
  }
}

/** @throws RolloutError when the destination is not the ledger's (R21). */
export async function judgeDestination(ledger: Ledger, { destination, adopt }: PassOptions): Promise<void> {
  const { uuid, mark, nextMark } = ledger.meta();
  const sentinel = await readSentinel(destination);
  if (adopt === true) {
    if (sentinel === null) throw new RolloutError('DESTINATION_OTHER', 'the destination bears no mark of a transfer');
    if (mark > 0 && sentinel.uuid !== uuid) {
      throw new RolloutError('DESTINATION_OTHER', 'the ledger is that of another destination');
    }
    return;
  }
  const empty = sentinel === null && (await destinationIsEmpty(destination));
  refuseOlder(judge(sentinel, mark === 0 && nextMark === undefined ? null : markOf(ledger.meta()), empty));
}

/** @throws RolloutError when a share that is to be read is not as the ledger's last pass left it (R21). */
export async function judgeShare(meta: LedgerMeta, share: string): Promise<void> {
  refuseOlder(judge(await readSentinel(share), markOf(meta), false));
}

function markOf({ uuid, mark, nextMark }: LedgerMeta): LedgerMark {
  return { uuid, generation: mark, ...(nextMark === undefined ? {} : { next: nextMark }) };
}

function refuseOlder(verdict: ReturnType<typeof judge>): void {
  if (verdict === 'ledger older') {
    throw new RolloutError('LEDGER_OLDER', 'the ledger is older than the destination: it was restored from a backup');
  }
}

/** Makes a ledger without rows that of a destination: what is there will be compared by content (R21). */
export async function adoptDestination(ledger: Ledger, destination: string): Promise<void> {
  const sentinel = await readSentinel(destination);
  if (sentinel !== null) ledger.renew({ uuid: sentinel.uuid, mark: sentinel.generation });
}

/** The root gets its time at the very end: mark and lease change it. */
export function settleRoot({ source, destination }: Pick<PassOptions, 'source' | 'destination'>): void {
  const { atimeNs, mtimeNs } = statSync(source, { bigint: true });
  const fd = openSync(destination, 'r');
  try {
    runSync(futimes(fd, { atime: atimeNs, mtime: mtimeNs }));
  } finally {
    closeSync(fd);
  }
}

/** Writes the next mark to the destination; a kill in between is told by `nextMark`. */
export async function advanceMark(ledger: Ledger, destination: string): Promise<void> {
  const { uuid, mark } = ledger.meta();
  ledger.amend({ nextMark: mark + 1 });
  await ledger.durable();
  await writeSentinel(destination, { uuid, generation: mark + 1 });
  ledger.amend({ mark: mark + 1 });
}
