import type { ByteName } from './names.js';
import { FACTS, unpackEntries } from './pack.js';
import { ROW_SIZE } from './row.js';
import type { Entry } from './work.js';

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
