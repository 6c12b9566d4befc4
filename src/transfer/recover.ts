import { decodePart } from './parts.js';
import { unsettle } from './folders.js';
import { nameOf, TABLE, whole } from './ledger-keys.js';
import type { Ledger } from './ledger.js';
import { ROOT_FOLDER } from './ledger.js';
import type { ByteName } from './names.js';
import { sweepIntents } from './sweep.js';
import type { Executor } from './tasks.js';

/**
 * Cleans up what a kill left: temporary files where something was being written, everywhere when the machine itself
 * went down, since notes of the last moment may be lost with it (R17).
 *
 * @returns names, by folder, that we may have written without having noted it.
 */
export async function recover(
  ledger: Ledger,
  executor: Executor,
  everywhere: boolean,
  afterKill: boolean,
): Promise<ReadonlyMap<number, ReadonlySet<ByteName>>> {
  const parts = new Map<number, Set<ByteName>>();
  for (const { key, value } of ledger.range(whole(TABLE.part))) {
    const { folder } = nameOf(key);
    const kept = parts.get(folder) ?? new Set<ByteName>();
    kept.add(decodePart(value).temp);
    parts.set(folder, kept);
  }
  // the root holds what is no file of the tree: mark, lease, what was tried out
  const extra: number[] = afterKill ? [ROOT_FOLDER] : [];
  if (everywhere) for (const { key } of ledger.range(whole(TABLE.place))) extra.push(key.readUIntBE(1, 6));
  const { ours, swept } = await sweepIntents({ ledger, executor }, (folder) => parts.get(folder) ?? new Set(), extra);
  // something may have changed in them that was not noted any more
  for (const folder of new Set([...ours.keys(), ...swept])) if (ledger.knows(folder)) unsettle(ledger, folder);
  // the notes themselves stay until the pass has ended: another kill may come before what they name is written again
  return ours;
}
