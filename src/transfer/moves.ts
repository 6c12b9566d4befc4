import { TaskFailed } from './executors.js';
import { touch } from './folders.js';
import { forget } from './gone.js';
import { inodeKey, inodeOf, nameKey, nameOf, ofInode, TABLE, whole } from './ledger-keys.js';
import type { Pass, PassContext } from './pass.js';
import { putOffEntry } from './put-off.js';
import { readRow, ROW_SIZE, writeRow } from './row.js';
import type { Entry } from './work.js';

/** Names that are looked at between two commits. */
const BATCH = 1_024;

/**
 * Renames at the destination what was renamed in the source (R19), and hands on for copying what was not. The notes of
 * both names are durable before the first rename.
 *
 * @returns how many were renamed.
 */
export async function carryOutMoves(context: PassContext, pass: Pass): Promise<number> {
  const { ledger, stopped } = context;
  await ledger.durable();
  let moved = 0;
  let last: Buffer | undefined;
  while (!stopped()) {
    const batch: { key: Buffer; entry: Entry; folder: number }[] = [];
    const { start, end } = whole(TABLE.perhapsMoved);
    for (const { key, value } of ledger.range({ start: last ?? start, end })) {
      if (last?.equals(key) === true) continue;
      const { folder, name } = nameOf(key);
      batch.push({ key: Buffer.from(key), entry: putOffEntry(name, Buffer.from(value)), folder });
      if (batch.length === BATCH) break;
    }
    if (batch.length === 0) break;
    last = batch.at(-1)?.key;
    for (const { key, entry, folder } of batch) {
      if (await moveHere(context, pass, folder, entry)) moved += 1;
      else pass.submit(pass.folder(folder), [entry]);
      ledger.remove(key);
    }
    ledger.commit();
    await pass.copier.idle();
  }
  return moved;
}

async function moveHere(context: PassContext, pass: Pass, folder: number, entry: Entry): Promise<boolean> {
  const { ledger, executor } = context;
  const to = pass.folder(folder);
  if (to.state !== 'ready') return false;
  for (const { key, value } of [...ledger.range(ofInode(TABLE.gone, entry.facts.ino))]) {
    const row = readRow(value);
    if (row.size !== entry.facts.size || row.mtime !== entry.facts.mtime) continue;
    const old = inodeOf(key);
    const { path } = ledger.pathOf(old.folder);
    const move = { from: { path, name: old.name }, to: { path: to.path, name: entry.name }, row: Buffer.from(value) };
    try {
      if ((await executor.run({ task: 'move', move })).is !== 'done') continue;
    } catch (error) {
      // it is copied instead
      if (!(error instanceof TaskFailed)) throw error;
      continue;
    }
    const { mode, uid, gid, ctime } = entry.facts;
    const now = Buffer.alloc(ROW_SIZE);
    // attributes that changed as well are set afterwards: the row says what is at the destination
    const sameAttributes = row.mode === (mode & 0o7777) && row.uid === uid && row.gid === gid;
    writeRow(now, 0, { ...row, ctime: sameAttributes ? ctime : row.ctime });
    forget(ledger, old.folder, old.name, Buffer.from(value));
    ledger.remove(inodeKey(TABLE.gone, row.ino, old.folder, old.name));
    ledger.put(nameKey(TABLE.file, folder, entry.name), now);
    const { files, bytes } = ledger.meta();
    ledger.amend({ files: files + 1, bytes: bytes + Number(row.size) });
    touch(ledger, to);
    touch(ledger, pass.folder(old.folder));
    ledger.commit();
    if (!sameAttributes) pass.submit(to, [{ ...entry, why: 'check', row: now }]);
    return true;
  }
  return false;
}
