import { touch, type Folder } from './folders.js';
import type { Gate } from './gate.js';
import { CHUNK } from './content.js';
import { inodeKey, nameKey, TABLE } from './ledger-keys.js';
import type { Ledger } from './ledger.js';
import { join, type ByteName } from './names.js';
import { asBuffer, namesOf, unpackEntries, type PackedResult } from './pack.js';
import { readSize } from './parts.js';
import { readRow, ROW_SIZE, type FileRow } from './row.js';
import type { SkippedList } from './skipped.js';
import type { PackedUnit } from './tasks.js';
import type { Tries } from './tries.js';
import { TIME_LOST } from './walk.js';
import type { Entry, Outcome } from './work.js';

/** What the list says of a file of the old tree that the share's took the place of. */
export const OTHER_KEPT = 'changed on both sides: the other is in quarantine';

/** Counters of what has become durable. */
export interface Copied {
  files: number;
  bytes: number;
  adopted: number;
  same: number;
  /** Read as they changed: the source was not quiet. */
  changed: number;
}

/** Writes down how units ended: rows of what is durable, lists of what is not. */
export class Results {
  readonly copied: Copied = { files: 0, bytes: 0, adopted: 0, same: 0, changed: 0 };

  constructor(
    private readonly ledger: Ledger,
    private readonly skipped: SkippedList,
    private readonly gate: Gate,
    private readonly tries: Tries,
  ) {}

  /** Notes what is durable. @returns the entries that have to be tried again. */
  record(folder: Folder, unit: PackedUnit, result: PackedResult): Entry[] {
    const { ledger } = this;
    const names = namesOf(unit.entries);
    const rows = asBuffer(result.rows);
    const odd = new Map(result.odd);
    const former = unit.entries.rows.length > 0 ? unpackEntries(unit.entries, () => 'asked') : undefined;
    let at = 0;
    let wrote = false;
    for (let index = 0; index < result.reached; index += 1) {
      const name = names[index] ?? '';
      const outcome = odd.get(index);
      if (outcome !== undefined && !('row' in outcome)) {
        this.#notCopied(folder, name, outcome);
        continue;
      }
      const row = rows.subarray(at, at + ROW_SIZE);
      at += ROW_SIZE;
      wrote ||= outcome?.is !== 'same';
      this.tries.worked();
      this.keep(folder, name, row, former?.[index]?.row, outcome?.is ?? 'copied');
      if (outcome?.conflict === true) {
        this.skipped.add(join(folder.path, name), 'CONFLICT', OTHER_KEPT);
      }
      if (unit.parts?.some(([part]) => part === name) === true || readSize(row) > BigInt(CHUNK)) {
        ledger.remove(nameKey(TABLE.part, folder.id, name));
      }
    }
    if (wrote && folder.state === 'ready') touch(ledger, folder);
    return this.#leftOf(folder, unit, result, odd);
  }

  /** A row becomes the truth about a name. */
  keep(
    folder: Folder,
    name: ByteName,
    row: Buffer,
    former: Buffer | undefined,
    how: 'copied' | 'same' | 'adopted' | 'linked',
  ): void {
    const { ledger, skipped } = this;
    ledger.put(nameKey(TABLE.file, folder.id, name), row);
    const { files, bytes } = ledger.meta();
    const size = Number(readSize(row));
    ledger.amend({
      files: files + (former === undefined ? 1 : 0),
      bytes: bytes + size - (former === undefined ? 0 : Number(readSize(former))),
    });
    const { linked, ino, timeLost } = readRow(row);
    if (linked) ledger.put(inodeKey(TABLE.link, ino, folder.id, name), Buffer.alloc(0));
    if (timeLost) skipped.add(join(folder.path, name), 'TIME_RANGE', TIME_LOST);
    if (how === 'copied') {
      this.copied.files += 1;
      this.copied.bytes += size;
    } else if (how !== 'linked') this.copied[how] += 1;
  }

  #notCopied(folder: Folder, name: ByteName, outcome: Exclude<Outcome, { row: FileRow }>): void {
    if (outcome.is !== 'skipped') return;
    if (outcome.reason === 'CHANGED') this.copied.changed += 1;
    this.skipped.add(join(folder.path, name), outcome.reason, outcome.detail);
  }

  #leftOf(folder: Folder, unit: PackedUnit, result: PackedResult, odd: ReadonlyMap<number, Outcome>): Entry[] {
    const again = [...odd].filter(([, { is }]) => is === 'again' || is === 'no room');
    if (again.length === 0 && result.reached === unit.entries.count) return [];
    const entries = unpackEntries(unit.entries, () => 'asked');
    const left = entries.slice(result.reached);
    for (const [index, outcome] of again) {
      const entry = entries[index];
      if (entry === undefined || !('code' in outcome)) continue;
      if (outcome.is === 'no room') this.gate.close('no room at the destination');
      else if (!this.tries.mayTryAgain(folder, entry.name, outcome.code)) continue;
      left.push(entry);
    }
    return left;
  }
}
