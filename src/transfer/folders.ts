import { ROOT_FOLDER, type Ledger } from './ledger.js';
import { depthKey, TABLE } from './ledger-keys.js';
import { join, type ByteName } from './names.js';
import type { FolderRow } from './row.js';
import type { PackedEntries } from './pack.js';
import type { FolderFacts } from './work.js';

/** A folder that the pass is at work on. */
export interface Folder {
  readonly id: number;
  readonly parent: Folder | null;
  readonly name: ByteName;
  readonly path: ByteName;
  readonly depth: number;
  facts: FolderFacts;
  /** Files that the walk has met in it. */
  files: number;
  /** As the ledger has it; null while it is not at the destination. */
  row: FolderRow | null;
  /**
   * planned: to be made, or staged, once it has been walked. making: asked for. ready: its files can be written.
   * staging: they are written beside its place. lost: it could not be made, and all that belongs into it is listed.
   */
  state: 'planned' | 'making' | 'ready' | 'staging' | 'lost';
  /** Names that were there before us, where the folder was. */
  taken?: readonly ByteName[];
  /** Units that wait for it to be ready. */
  readonly units: PackedEntries[];
  /** What else waits for it; told false when it cannot be made. */
  readonly whenReady: ((ready: boolean) => void)[];
  /** Units of it that are prepared or at work. */
  running: number;
  /** Its staging folder exists. */
  created: boolean;
  /** Its attributes are to be set at the end. */
  touched: boolean;
}

/** A folder of the source, as the pass meets it. */
export function folderAt(ledger: Ledger, parent: Folder | null, name: ByteName, facts: FolderFacts): Folder {
  const row = ledger.folder(parent?.id ?? 0, name);
  return {
    id: row?.id ?? (parent === null ? ROOT_FOLDER : ledger.newFolder()),
    parent,
    name,
    path: parent === null ? '' : join(parent.path, name),
    depth: (parent?.depth ?? -1) + 1,
    facts,
    files: 0,
    row,
    state: row === null ? 'planned' : row.made === 'staging' ? 'staging' : 'ready',
    units: [],
    whenReady: [],
    running: 0,
    created: row?.made === 'staging',
    touched: false,
  };
}

/** Whether the destination's attributes of a folder are not those of the source. */
export function isUnsettled({ row, facts }: Folder): boolean {
  if (row === null) return false;
  const { settled, mode, uid, gid, mtime } = row;
  return !settled || mode !== facts.mode || uid !== facts.uid || gid !== facts.gid || mtime !== facts.mtime;
}

/** Notes what a folder is at the destination now. */
export function noteFolder(ledger: Ledger, folder: Folder, change: Partial<FolderRow>): void {
  const { mode, uid, gid, mtime, ino } = folder.facts;
  const former: FolderRow = folder.row ?? {
    ...{ id: folder.id, made: 'own', stage: '', generation: ledger.meta().generation, settled: false },
    ...{ mode, uid, gid, mtime, ino },
  };
  folder.row = { ...former, ...{ mode, uid, gid, mtime, ino }, ...change };
  ledger.putFolder(folder.parent?.id ?? 0, folder.name, folder.row);
}

/** Something in the folder changes at the destination: its attributes have to be set again (R16). */
export function touch(ledger: Ledger, folder: Folder | null): void {
  if (folder === null || folder.touched || folder.row === null) return;
  folder.touched = true;
  noteFolder(ledger, folder, { settled: false });
  ledger.put(depthKey(TABLE.unsettled, folder.depth, folder.id), Buffer.alloc(0));
}

/** The same for a folder that only the ledger knows yet. */
export function unsettle(ledger: Ledger, id: number): void {
  const { depth, parent, name } = ledger.pathOf(id);
  const row = ledger.folder(parent, name);
  if (row === null) return;
  ledger.putFolder(parent, name, { ...row, settled: false });
  ledger.put(depthKey(TABLE.unsettled, depth, id), Buffer.alloc(0));
}
