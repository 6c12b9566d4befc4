import type { Folder } from './folders.js';
import { inodeKey, nameKey, TABLE } from './ledger-keys.js';
import type { Ledger } from './ledger.js';
import type { ByteName } from './names.js';
import { FACTS, packEntries, unpackEntries, type PackedEntries } from './pack.js';
import { ROW_SIZE } from './row.js';
import type { Entry } from './work.js';

/** Puts entries into the ledger until their turn comes. */
export function putOff(
  ledger: Ledger,
  table: typeof TABLE.perhapsMoved | typeof TABLE.linkWaits,
  folder: Folder,
  packed: PackedEntries,
): void {
  if (packed.count === 0) return;
  for (const entry of unpackEntries(packed, () => 'asked')) {
    const one = packEntries([entry]);
    const value = Buffer.concat([one.facts, one.rows]);
    const key =
      table === TABLE.linkWaits
        ? inodeKey(table, entry.facts.ino, folder.id, entry.name)
        : nameKey(table, folder.id, entry.name);
    ledger.put(key, value);
  }
}

/** An entry that was put into the ledger until its turn comes. @throws TypeError when it holds none. */
export function putOffEntry(name: ByteName, value: Buffer): Entry {
  const facts = value.subarray(0, value.length > FACTS ? value.length - ROW_SIZE : value.length);
  const [entry] = unpackEntries(
    { count: 1, bytes: 0, names: name, facts, rows: value.subarray(facts.length) },
    () => 'asked',
  );
  if (entry === undefined) throw new TypeError('an entry that was put off is empty');
  return entry;
}
