import { ledgerFolder } from './copy-shard.js';
import { LedgerReader, ROOT_FOLDER } from '../transfer/ledger.js';
import { nameKey, TABLE } from '../transfer/ledger-keys.js';
import { readRow } from '../transfer/row.js';
import type { Agent } from './agent.js';
import type { TreeName } from '../icewarp/mail-tree.js';
import { shown, treeRoot, walkTree, type TreeEntry } from '../platform/tree.js';

/** What a name in a quarantine gets where the name was kept before. */
const AGAIN = /~\d+(?=\/|$)/g;

/** Files that had changed in the old tree as well, and the first of them. */
export interface ChangedOnBoth {
  readonly count: number;
  readonly example: string;
}

/**
 * Files that a way back has replaced or removed in the old tree although they were no longer as the final pass had seen
 * them. Told by what is kept of them and by the final pass's ledger, not by the list of a pass: a way back that is killed
 * goes on with a new list, and what it had replaced before stands in none.
 *
 * @param ended when the final pass had ended, in milliseconds since 1970: what was kept before is of an earlier way back.
 */
export async function changedOnBoth(
  { config }: Agent,
  what: TreeName,
  quarantine: string,
  ended: number,
  signal: AbortSignal,
): Promise<ChangedOnBoth | null> {
  const firsts = await firstKept(quarantine, BigInt(ended) * 1_000_000n, signal);
  if (firsts.size === 0) return null;
  const ledger = new LedgerReader(ledgerFolder(what, config.stateDir));
  try {
    const changed = [...firsts].filter(([path, { stats }]) => {
      const row = rowOf(ledger, path);
      return row === undefined || row.size !== stats.size || row.mtime !== stats.mtimeNs;
    });
    const [first] = changed.map(([path]) => path).sort();
    return first === undefined ? null : { count: changed.length, example: shown(Buffer.from(first, 'latin1')) };
  } finally {
    await ledger.close();
  }
}

/** Of each path what was kept first: a later one is what the way back itself had put there. */
async function firstKept(quarantine: string, since: bigint, signal: AbortSignal): Promise<Map<string, TreeEntry>> {
  const firsts = new Map<string, TreeEntry>();
  for await (const entry of walkTree(treeRoot(quarantine), { signal })) {
    if (entry.kind === 'folder' || entry.stats.ctimeNs < since) continue;
    const path = entry.path.toString('latin1').replaceAll(AGAIN, '');
    const known = firsts.get(path);
    if (known === undefined || entry.stats.ctimeNs < known.stats.ctimeNs) firsts.set(path, entry);
  }
  return firsts;
}

/** What the ledger knows of a path, whose characters are bytes. */
function rowOf(ledger: LedgerReader, path: string): ReturnType<typeof readRow> | undefined {
  const names = path.split('/');
  const file = names.pop() ?? '';
  let folder = ROOT_FOLDER;
  for (const name of names) {
    const row = ledger.folder(folder, name);
    if (row === null) return undefined;
    folder = row.id;
  }
  const row = ledger.get(nameKey(TABLE.file, folder, file));
  return row === undefined ? undefined : readRow(row);
}
