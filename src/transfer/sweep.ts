import { TaskFailed } from './executors.js';
import { inFlight } from './in-flight.js';
import { decodeIntent } from './intents.js';
import { folderOfIntent, TABLE, whole } from './ledger-keys.js';
import type { ByteName } from './names.js';
import type { PassContext } from './pass.js';

/**
 * Removes temporary files from folders in which something was being written.
 *
 * @returns names that were being written, by folder; and the folders that it changed.
 */
export async function sweepIntents(
  { ledger, executor }: Pick<PassContext, 'ledger' | 'executor'>,
  keepIn: (folder: number) => ReadonlySet<ByteName>,
  extra: readonly number[] = [],
): Promise<{ ours: Map<number, Set<ByteName>>; swept: number[] }> {
  const open = new Map<number, Set<ByteName>>();
  ledger.commit();
  for (const { key, value } of ledger.range(whole(TABLE.intent))) {
    const folder = folderOfIntent(key);
    const names = open.get(folder) ?? new Set<ByteName>();
    for (const { name } of decodeIntent(value)) names.add(name);
    open.set(folder, names);
  }
  const swept: number[] = [];
  const folders = [...new Set([...open.keys(), ...extra])].filter((folder) => ledger.knows(folder));
  await inFlight(folders, executor.capacity, async (folder) => {
    const stages = [...ledger.foldersOf(folder).values()].filter(({ made }) => made === 'staging');
    const keep = [...keepIn(folder), ...stages.map(({ stage }) => stage)];
    try {
      const removed = await executor.run({ task: 'sweep', path: ledger.placeOf(folder), keep });
      if (removed > 0) swept.push(folder);
    } catch (error) {
      // the folder is not there yet, or not any more: nothing to sweep
      if (!(error instanceof TaskFailed) || !['ENOENT', 'ENOTDIR'].includes(error.code)) throw error;
    }
  });
  return { ours: open, swept };
}
