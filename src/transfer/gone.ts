import { isGone } from './errors.js';
import { TaskFailed } from './executors.js';
import type { Ledger } from './ledger.js';
import { decodeIntent } from './intents.js';
import {
  depthKey,
  folderOfDepthKey,
  folderOfIntent,
  idKey,
  inodeKey,
  inodeOf,
  nameKey,
  TABLE,
  whole,
} from './ledger-keys.js';
import { join, type ByteName } from './names.js';
import { asBuffer } from './pack.js';
import { FileState, FileType, readRow, ROW_SIZE, writeRow, type FileRow } from './row.js';
import type { SkippedList } from './skipped.js';
import type { Executor } from './tasks.js';
import type { GoneFile } from './tidy.js';
import type { Walked } from './walk.js';

/** Files that are deleted between two looks at the ledger. */
const BATCH = 2_048;

export interface GoneContext {
  readonly ledger: Ledger;
  readonly executor: Executor;
  readonly skipped: SkippedList;
  readonly maxDelete: number;
  readonly stopped: () => boolean;
  readonly everywhere: (path: ByteName) => Promise<void>;
}

/** Notes what the ledger knows in a folder and the source has no more. */
export function noteGone(ledger: Ledger, folder: number, walked: Walked): void {
  for (const { name, row } of walked.gone) {
    // from another thread, memory comes as plain bytes
    const bytes = asBuffer(row);
    ledger.put(inodeKey(TABLE.gone, readRow(bytes).ino, folder, name), bytes);
  }
  for (const name of walked.goneFolders) noteGoneFolder(ledger, folder, name);
}

function noteGoneFolder(ledger: Ledger, parent: number, name: ByteName): void {
  const row = ledger.folder(parent, name);
  if (row === null) return;
  ledger.commit();
  const { depth } = ledger.pathOf(row.id);
  ledger.put(depthKey(TABLE.goneFolder, depth, row.id), Buffer.alloc(0));
  for (const [file, value] of ledger.filesOf(row.id)) {
    ledger.put(inodeKey(TABLE.gone, readRow(value).ino, row.id, file), value);
  }
  for (const inner of ledger.foldersOf(row.id).keys()) noteGoneFolder(ledger, row.id, inner);
}

/**
 * Deletes at the destination what is gone from the source: only what the ledger says that we put there, only after a
 * complete walk, and nothing at all when it would be too much (R18). The notes are durable before the first deletion.
 *
 * @param changed is told of each folder in which something was deleted.
 */
export async function carryOutGone(
  context: GoneContext,
  changed: (folder: number) => void,
): Promise<{ deleted: number; held?: string }> {
  const { ledger, maxDelete } = context;
  await ledger.durable();
  let count = 0;
  for (const _ of ledger.range(whole(TABLE.gone))) count += 1;
  if (count > maxDelete) {
    return { deleted: 0, held: `${count} files would be deleted, more than ${maxDelete}: nothing was deleted` };
  }
  noteUnknown(ledger);
  const deleted = await deleteFiles(context, changed);
  await deleteFolders(context, changed);
  return { deleted };
}

/**
 * Files that a kill left under their final names before they had a row, and that the source has no more, such as a
 * message whose flags are part of its name. Nobody else would ever remove them.
 */
function noteUnknown(ledger: Ledger): void {
  for (const { key, value } of ledger.range(whole(TABLE.intent))) {
    const folder = folderOfIntent(key);
    if (!ledger.knows(folder)) continue;
    for (const { name, size, mtime } of decodeIntent(value)) {
      if (ledger.get(nameKey(TABLE.file, folder, name)) !== undefined) continue;
      const row = Buffer.alloc(ROW_SIZE);
      writeRow(row, 0, { ...UNKNOWN, size, mtime });
      ledger.put(inodeKey(TABLE.gone, UNKNOWN.ino, folder, name), row);
    }
  }
  ledger.commit();
}

/** Stands for a row; no pass has this generation. */
const UNKNOWN: FileRow = {
  ...{ size: 0n, mtime: 0n, ctime: 0n, ino: 0n, mode: 0, uid: 0, gid: 0, generation: 0xffff_ffff },
  ...{ state: FileState.done, type: FileType.file, linked: false, timeLost: false, hash: new Uint8Array(32) },
};

function isUnknown(row: Uint8Array): boolean {
  return readRow(row).generation === UNKNOWN.generation;
}

async function deleteFiles(context: GoneContext, changed: (folder: number) => void): Promise<number> {
  const { ledger, executor, skipped, stopped } = context;
  let deleted = 0;
  const kept = new Set<string>();
  while (!stopped()) {
    const batch = new Map<number, { name: ByteName; row: Buffer; key: Buffer }[]>();
    let size = 0;
    for (const { key, value } of ledger.range(whole(TABLE.gone))) {
      const { folder, name } = inodeOf(key);
      if (kept.has(`${folder}/${name}`)) continue;
      const files = batch.get(folder) ?? [];
      files.push({ name, row: Buffer.from(value), key: Buffer.from(key) });
      batch.set(folder, files);
      size += 1;
      if (size === BATCH) break;
    }
    if (size === 0) break;
    for (const [folder, files] of batch) {
      const { path } = ledger.pathOf(folder);
      const answers = await deletedFrom(executor, path, files);
      for (const [index, { name, row, key }] of files.entries()) {
        const answer = answers[index];
        if (isUnknown(row)) {
          // no file of the tree: it counts for nothing, whether or not it was there
          kept.add(`${folder}/${name}`);
          if (answer?.is === 'done') ledger.remove(key);
          continue;
        }
        if (answer?.is !== 'done') {
          kept.add(`${folder}/${name}`);
          if (answer?.code === 'BACK') continue;
          if (answer?.code === 'DEST_CHANGED') {
            skipped.add(join(path, name), 'DEST_CHANGED', 'gone from the source, but somebody changed the copy');
          } else skipped.add(join(path, name), 'FAILED', `it could not be deleted: ${answer?.code ?? 'no answer'}`);
          continue;
        }
        if (answer.code === 'CONFLICT') {
          skipped.add(join(path, name), 'CONFLICT', 'deleted there, changed here: it is in quarantine');
        }
        forget(ledger, folder, name, row);
        ledger.remove(key);
        deleted += 1;
      }
      changed(folder);
    }
    ledger.commit();
  }
  return deleted;
}

/** Deletes what a folder has lost; what cannot be deleted is kept, with the system's code. */
async function deletedFrom(
  executor: Executor,
  path: ByteName,
  files: readonly GoneFile[],
): Promise<readonly { is: 'done' | 'kept'; code?: string }[]> {
  try {
    return await executor.run({
      task: 'delete',
      path,
      files: files.map(({ name, row }) => ({
        name,
        row,
        ...(isUnknown(row) ? { unknown: true } : {}),
      })),
    });
  } catch (error) {
    if (!(error instanceof TaskFailed)) throw error;
    return files.map(() => ({ is: 'kept', code: error.code }));
  }
}

/** A file is no longer at the destination. */
export function forget(ledger: Ledger, folder: number, name: ByteName, row: Buffer): void {
  const { size, ino, linked } = readRow(row);
  ledger.remove(nameKey(TABLE.file, folder, name));
  if (linked) ledger.remove(inodeKey(TABLE.link, ino, folder, name));
  const { files, bytes } = ledger.meta();
  ledger.amend({ files: files - 1, bytes: bytes - Number(size) });
}

/** What a folder holds is no longer at the destination, but for some names. @returns files that are gone. */
export function forgetIn(ledger: Ledger, folder: number, there: ReadonlySet<ByteName> = new Set()): number {
  let lost = 0;
  for (const [name, row] of ledger.filesOf(folder)) {
    if (there.has(name)) continue;
    forget(ledger, folder, name, row);
    lost += 1;
  }
  for (const [name, { id, made, stage }] of ledger.foldersOf(folder)) {
    if (there.has(made === 'staging' ? stage : name)) continue;
    lost += forgetIn(ledger, id);
    ledger.remove(nameKey(TABLE.folder, folder, name));
    ledger.remove(idKey(TABLE.place, id));
  }
  return lost;
}

async function deleteFolders(context: GoneContext, changed: (folder: number) => void): Promise<void> {
  const { ledger, executor, skipped, stopped, everywhere } = context;
  for (const { key } of [...ledger.range(whole(TABLE.goneFolder))]) {
    if (stopped()) return;
    const id = folderOfDepthKey(key);
    const { path, depth, parent, name } = ledger.pathOf(id);
    // its files are in a staging folder above: what is swept at the end
    if (ledger.folder(parent, name)?.made === 'staging') ledger.put(nameKey(TABLE.intent, parent, ''), Buffer.alloc(0));
    if (ledger.filesOf(id).size > 0 || ledger.foldersOf(id).size > 0) continue;
    await everywhere(path);
    const removed = await removedFolder(executor, path);
    if (!removed) skipped.add(path, 'FOREIGN', 'gone from the source, but others have put something into it');
    ledger.remove(nameKey(TABLE.folder, parent, name));
    ledger.remove(idKey(TABLE.place, id));
    ledger.remove(depthKey(TABLE.unsettled, depth, id));
    ledger.remove(Buffer.from(key));
    ledger.commit();
    changed(parent);
  }
}

async function removedFolder(executor: Executor, path: ByteName): Promise<boolean> {
  try {
    return await executor.run({ task: 'rmdir', path });
  } catch (error) {
    if (!(error instanceof TaskFailed)) throw error;
    // what is not there any more needs no deletion
    return isGone(error.code);
  }
}
