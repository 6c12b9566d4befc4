import { opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { readIfThere, syncDirectory, writeDurable } from './durable-file.js';
import { isOwn, SENTINEL_NAME, tempName } from './names.js';

/** Ties a destination to its ledger (R21). */
export interface Sentinel {
  readonly uuid: string;
  /** Grows at the start and at the end of every pass. */
  readonly generation: number;
}

/** What the ledger says of itself. */
export interface LedgerMark extends Sentinel {
  /**
   * The generation that the ledger was about to write to the destination when it was stopped. Without it, a kill
   * between the two would make one side look older than the other.
   */
  readonly next?: number;
}

/** The destination's mark; null when it bears none. @throws RolloutError DESTINATION_OTHER when it is not one of ours. */
export async function readSentinel(dest: string): Promise<Sentinel | null> {
  const text = await readIfThere(join(dest, SENTINEL_NAME));
  if (text === null) return null;
  const sentinel = parseSentinel(text);
  if (sentinel !== undefined) return sentinel;
  throw new RolloutError('DESTINATION_OTHER', `${join(dest, SENTINEL_NAME)} is damaged or of somebody else`);
}

/** What a mark says; undefined when it is not one of ours. */
export function parseSentinel(text: string): Sentinel | undefined {
  try {
    const { uuid, generation } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (typeof uuid === 'string' && Number.isSafeInteger(generation)) return { uuid, generation: generation as number };
  } catch {
    // no JSON: not ours
  }
  return undefined;
}

/** Marks the destination, durably. Only the holder of its lease may. */
export async function writeSentinel(dest: string, { uuid, generation }: Sentinel): Promise<void> {
  const text = `${JSON.stringify({ uuid, generation })}\n`;
  await writeDurable(dest, SENTINEL_NAME, text, tempName('sentinel', process.pid));
}

/** Takes the mark away, durably; one that is gone already is fine. */
export async function removeSentinel(dest: string): Promise<void> {
  await rm(join(dest, SENTINEL_NAME), { force: true });
  await syncDirectory(dest);
}

/** Whether nothing is at the destination's root but what the engine, or the making of a file system, leaves there. */
export async function destinationIsEmpty(dest: string): Promise<boolean> {
  for await (const { name } of await opendir(dest)) {
    if (!isOwn(name) && name !== 'lost+found') return false;
  }
  return true;
}

/**
 * Whether a destination is the one that a ledger describes (R21); to be asked before the first write.
 *
 * - `new`: neither has been used.
 * - `same`: they agree.
 * - `ledger older`: the ledger is from a backup; its rows are hints that have to be verified.
 *
 * @throws RolloutError DESTINATION_OTHER when it bears no mark or that of another ledger, DESTINATION_OLDER when it was
 * restored from a snapshot.
 */
export function judge(
  sentinel: Sentinel | null,
  ledger: LedgerMark | null,
  destinationEmpty: boolean,
): 'new' | 'same' | 'ledger older' {
  if (sentinel === null) {
    // an empty folder may be the place where the share is not mounted: only a ledger without anything in it believes it
    if (destinationEmpty && (ledger?.generation ?? 0) === 0) return 'new';
    throw other(
      destinationEmpty
        ? 'the destination is empty, though the ledger knows of files there: is the share not mounted?'
        : 'the destination holds files and bears no mark of a transfer',
    );
  }
  if (ledger === null) throw other('the destination belongs to a transfer with another ledger');
  if (sentinel.uuid !== ledger.uuid) throw other('the destination and the ledger belong to different transfers');
  if (sentinel.generation === ledger.generation || sentinel.generation === ledger.next) return 'same';
  if (sentinel.generation > ledger.generation) return 'ledger older';
  throw new RolloutError(
    'DESTINATION_OLDER',
    `the destination is at generation ${sentinel.generation}, the ledger at ${ledger.generation}`,
  );
}

function other(message: string): RolloutError {
  return new RolloutError('DESTINATION_OTHER', message);
}
