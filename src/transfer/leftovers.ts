import { asBuffer } from './pack.js';
import { isGone } from './errors.js';
import { TaskFailed } from './executors.js';
import { unsettle } from './folders.js';
import { forget } from './gone.js';
import type { Ledger } from './ledger.js';
import { folderOfDepthKey, idKey, inodeOf, nameKey, nameOf, TABLE, whole } from './ledger-keys.js';
import { putOffEntry } from './put-off.js';
import { readRow } from './row.js';
import type { Executor } from './tasks.js';
import type { GoneFile, Looked, Standing } from './tidy.js';

/** Files that are looked at in one task. */
const BATCH = 1_024;

interface Context {
  readonly ledger: Ledger;
  readonly executor: Executor;
}

/**
 * Finds out which of the deletions and moves that an interrupted pass had announced were carried out and not noted any
 * more, and notes them (R1, R18, R19). Without it a file that came back to the source meanwhile, under its old name and
 * with its old times, would pass for one that is at the destination.
 */
export async function noteLeftovers({ ledger, executor }: Context): Promise<void> {
  const absent = await absentFiles({ ledger, executor });
  if (absent.length > 0) {
    await followMoves({ ledger, executor }, absent);
    for (const { folder, name, row } of absent) {
      forget(ledger, folder, name, asBuffer(row));
      unsettle(ledger, folder);
    }
    ledger.commit();
  }
  await noteFolders({ ledger, executor });
}

interface Absent extends GoneFile {
  readonly folder: number;
}

async function absentFiles({ ledger, executor }: Context): Promise<Absent[]> {
  const byFolder = new Map<number, GoneFile[]>();
  for (const { key, value } of ledger.range(whole(TABLE.gone))) {
    const { folder, name } = inodeOf(key);
    // it was noted, or its folder was
    if (!ledger.knows(folder) || ledger.get(nameKey(TABLE.file, folder, name)) === undefined) continue;
    const files = byFolder.get(folder) ?? [];
    files.push({ name, row: Buffer.from(value) });
    byFolder.set(folder, files);
  }
  const absent: Absent[] = [];
  for (const [folder, files] of byFolder) {
    for (let at = 0; at < files.length; at += BATCH) {
      const some = files.slice(at, at + BATCH);
      const standings = await standingsOf({ ledger, executor }, folder, some);
      for (const [index, file] of some.entries()) if (standings[index] === 'absent') absent.push({ ...file, folder });
    }
  }
  return absent;
}

/** A file that is not under its old name any more may be under its new one: then that is where its row belongs. */
async function followMoves({ ledger, executor }: Context, absent: readonly Absent[]): Promise<void> {
  const byInode = new Map(absent.map(({ row }) => [readRow(row).ino, row]));
  for (const { key, value } of ledger.range(whole(TABLE.perhapsMoved))) {
    const { folder, name } = nameOf(key);
    const { facts } = putOffEntry(name, Buffer.from(value));
    const row = byInode.get(facts.ino);
    if (row === undefined || !ledger.knows(folder)) continue;
    const { size, mtime } = readRow(row);
    if (size !== facts.size || mtime !== facts.mtime) continue;
    if (ledger.get(nameKey(TABLE.file, folder, name)) !== undefined) continue;
    const [standing] = await standingsOf({ ledger, executor }, folder, [{ name, row }]);
    if (standing !== 'ours') continue;
    ledger.put(nameKey(TABLE.file, folder, name), asBuffer(row));
    const { files, bytes } = ledger.meta();
    ledger.amend({ files: files + 1, bytes: bytes + Number(size) });
    unsettle(ledger, folder);
  }
}

/** The deepest first, as they are removed. */
async function noteFolders({ ledger, executor }: Context): Promise<void> {
  for (const id of [...ledger.range(whole(TABLE.goneFolder))].map(({ key }) => folderOfDepthKey(key))) {
    if (!ledger.knows(id)) continue;
    const { parent, name } = ledger.pathOf(id);
    if (ledger.filesOf(id).size > 0 || ledger.foldersOf(id).size > 0) continue;
    const [standing] = await standingsOf({ ledger, executor }, parent, [{ name }]);
    if (standing !== 'absent') continue;
    ledger.remove(nameKey(TABLE.folder, parent, name));
    ledger.remove(idKey(TABLE.place, id));
    ledger.commit();
    unsettle(ledger, parent);
  }
  ledger.commit();
}

async function standingsOf(
  { ledger, executor }: Context,
  folder: number,
  files: readonly Looked[],
): Promise<readonly Standing[]> {
  const { path } = ledger.pathOf(folder);
  try {
    return await executor.run({ task: 'look', path, files });
  } catch (error) {
    if (error instanceof TaskFailed && isGone(error.code)) {
      return files.map(() => 'absent');
    }
    throw error;
  }
}
