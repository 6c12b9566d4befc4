import { TaskFailed } from './executors.js';
import { unsettle } from './folders.js';
import { inFlight } from './in-flight.js';
import { folderOfDepthKey, nameKey, nameOf, TABLE, whole } from './ledger-keys.js';
import type { PassContext } from './pass.js';
import { encodeFolder } from './row.js';
import { sweepIntents } from './sweep.js';

/** Gives folders their attributes, the deepest first: nothing in them changes any more (R16). */
export async function settleFolders({ ledger, executor, stopped, skipped, keepRoot }: PassContext): Promise<void> {
  ledger.commit();
  const unsettled = [...ledger.range(whole(TABLE.unsettled))].map(({ key }) => key);
  await inFlight(unsettled, executor.capacity, async (key) => {
    if (stopped()) return;
    ledger.remove(key);
    const id = folderOfDepthKey(key);
    // removed after something in it had changed
    if (!ledger.knows(id)) return;
    const { path, parent, name } = ledger.pathOf(id);
    const row = ledger.folder(parent, name);
    // one that is beside its place yet gets them when it is renamed
    if (row === null || row.made === 'staging') return;
    try {
      if (path !== '' || !keepRoot) await executor.run({ task: 'settle', path, facts: row });
      ledger.put(nameKey(TABLE.folder, parent, name), encodeFolder({ ...row, settled: true }));
    } catch (error) {
      if (!(error instanceof TaskFailed)) throw error;
      if (error.code !== 'ENOENT') skipped.add(path === '' ? '.' : path, 'FAILED', `attributes: ${error.code}`);
    }
  });
  ledger.commit();
}

/** Proves that no temporary file is left where units ended badly (procedure, rule 6). */
export async function sweepTemps({ ledger, executor, stopped }: PassContext): Promise<void> {
  if (stopped()) return;
  // a large file that has gone meanwhile left its part
  const parts = [...ledger.range(whole(TABLE.part))].map(({ key }) => nameOf(key).folder);
  const { swept } = await sweepIntents({ ledger, executor }, () => new Set(), parts);
  for (const folder of swept) unsettle(ledger, folder);
  ledger.clear(TABLE.intent);
  ledger.clear(TABLE.part);
}
