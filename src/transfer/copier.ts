/* eslint max-lines: ['error', { max: 540, skipBlankLines: true, skipComments: true }] --
   One machine of states for units and their folders: its parts share all of its fields. */
import { RolloutError } from '../cluster/errors.js';
import { classify } from './errors.js';
import { TaskFailed } from './executors.js';
import { noteFolder, touch, type Folder } from './folders.js';
import type { Gate } from './gate.js';
import { forgetIn } from './gone.js';
import { encodeIntent } from './intents.js';
import { inodeKey, nameKey, TABLE } from './ledger-keys.js';
import type { Ledger } from './ledger.js';
import { join, type ByteName } from './names.js';
import { asBuffer, namesOf, packEntries, unpackEntries, type PackedEntries, type PackedResult } from './pack.js';
import { decodePart, encodePart, readSize } from './parts.js';
import { readRow, ROW_SIZE, type FileRow, type FolderRow } from './row.js';
import type { SkippedList } from './skipped.js';
import type { PackedUnit, Task, TaskName, Tasks } from './tasks.js';
import type { SkipReason } from './types.js';
import { TIME_LOST } from './walk.js';
import type { Entry, Outcome, Part } from './work.js';

/** How often one item is tried before it is listed (R27). */
const TRIES = 6;
/** Errors in a row, in all lanes, after which the destination counts as away. */
const AWAY_AFTER = 16;
/** Most files of a folder that is filled beside its place. */
const STAGED_FILES = 10_000;
/** Rows, and milliseconds, after which the ledger is written. */
const COMMIT_ROWS = 512;
const COMMIT_EVERY = 250;

const NOT_MADE = 'its folder could not be made';
const ABOVE_NOT_MADE = 'the folder above it could not be made';

/** Units whose intents are written together. */
const GATHERED = 32;

/** What carries out tasks at the destination. */
export interface Executor {
  readonly capacity: number;
  run<N extends TaskName>(task: Extract<Task, { task: N }>): Promise<Tasks[N]['answer']>;
}

/** Counters of what has become durable. */
export interface Copied {
  files: number;
  bytes: number;
  adopted: number;
  same: number;
  /** Read as they changed: the source was not quiet. */
  changed: number;
}

interface Prepared {
  readonly folder: Folder;
  readonly unit: PackedUnit;
  readonly intent: Buffer;
}

export interface CopierOptions {
  readonly ledger: Ledger;
  readonly executor: Executor;
  readonly gate: Gate;
  readonly skipped: SkippedList;
  readonly run: string;
  readonly staging: boolean;
  /** Names by folder that a kill left half done. */
  readonly ours: ReadonlyMap<number, ReadonlySet<ByteName>>;
  readonly stopped: () => boolean;
  /** Called whenever something has ended. */
  readonly progressed: () => void;
}

/**
 * Brings units to the destination: makes or stages their folders, notes durably what is about to be written, hands it
 * to the executor, and notes what has become durable, in this order (R1).
 */
export class Copier {
  readonly copied: Copied = { files: 0, bytes: 0, adopted: 0, same: 0, changed: 0 };
  readonly #ready: Prepared[] = [];
  #preparing: Prepared[] = [];
  #makes: Folder[] = [];
  #active = 0;
  #later = 0;
  #units = 0;
  #sequence = 0;
  #flushing = false;
  #inARow = 0;
  #failure: Error | undefined;
  #idle: (() => void)[] = [];
  readonly #tries = new Map<string, number>();
  /** Names by folder that failed units have written: theirs are the rows that are open yet (R2). */
  readonly #mine = new Map<number, ReadonlySet<ByteName>>();
  /** Folders that wait for their next try. */
  readonly #resting = new Set<number>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly options: CopierOptions) {
    this.#timer = setInterval(() => {
      this.#guard(() => {
        this.options.ledger.commit();
      });
    }, COMMIT_EVERY);
  }

  /** Units that wait or are at work: the walk pauses while there are enough. */
  get queued(): number {
    return this.#units;
  }

  /** Nothing more is begun. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Takes the files of a folder that has been walked. */
  submit(folder: Folder, units: readonly PackedEntries[], leaf: boolean): void {
    folder.units.push(...units);
    this.#units += units.length;
    if (folder.state === 'planned') this.#begin(folder, leaf);
    else if (folder.state === 'lost') this.#giveUp(folder, 'FAILED', NOT_MADE);
    else this.#next(folder);
  }

  /** Resolves when nothing waits and nothing is at work. @throws what the pass failed with. */
  async idle(): Promise<void> {
    this.#pump();
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#idle.push(resolve));
    if (this.#failure !== undefined) throw this.#failure;
    this.options.ledger.commit();
  }

  /** Goes on after the gate has opened. */
  wake(): void {
    this.#inARow = 0;
    this.#pump();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** Stops everything with an error. */
  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new RolloutError('UNEXPECTED', String(error));
    this.#pump();
  }

  /** A durable part of a large file (R20). */
  part(folder: number, name: ByteName, part: Part): void {
    this.#guard(() => {
      this.options.ledger.put(nameKey(TABLE.part, folder, name), encodePart(part));
      this.options.ledger.commit();
    });
  }

  #isIdle(): boolean {
    if (this.#active > 0) return false;
    if (this.#failure !== undefined || this.options.stopped()) return true;
    return this.#units === 0 && this.#makes.length === 0 && this.#later === 0 && !this.#flushing;
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  /** A folder that is not at the destination: filled beside its place where that pays, else made. */
  #begin(folder: Folder, leaf: boolean): void {
    const files = folder.units.reduce((sum, { count }) => sum + count, 0);
    if (folder.parent?.state === 'lost') {
      this.#giveUp(folder, 'FAILED', ABOVE_NOT_MADE);
      return;
    }
    if (folder.parent !== null && folder.parent.state !== 'ready') {
      folder.parent.whenReady.push((ready) => {
        if (ready) this.#begin(folder, leaf);
        else this.#giveUp(folder, 'FAILED', ABOVE_NOT_MADE);
      });
      return;
    }
    // where the folder above was there before us this one may be as well, and could not be replaced
    const isFree = folder.parent?.row?.made !== 'foreign';
    if (this.options.staging && isFree && leaf && files > 0 && files <= STAGED_FILES) {
      folder.state = 'staging';
      const stage = `.iw~${this.options.run}.d${(this.#sequence += 1).toString(36)}`;
      noteFolder(this.options.ledger, folder, { made: 'staging', stage });
      this.#next(folder);
      return;
    }
    folder.state = 'making';
    this.#makes.push(folder);
    this.#pump();
  }

  /** Prepares what of a folder can go on now. */
  #next(folder: Folder): void {
    if (folder.state === 'ready') {
      for (const entries of folder.units.splice(0)) this.#prepare(folder, entries, {});
    } else if (folder.state === 'staging') this.#nextStaged(folder);
    this.#pump();
  }

  /** The first unit makes the staging folder, the last one, when no other is at work, renames it into its place. */
  #nextStaged(folder: Folder): void {
    const { units } = folder;
    if (!folder.created) {
      if (folder.running > 0) return;
      const first = units.shift() ?? packEntries([]);
      this.#prepare(folder, first, { create: true, close: units.length === 0 });
      return;
    }
    while (units.length > 1) this.#prepare(folder, units.pop() ?? packEntries([]), {});
    if (folder.running > 0) return;
    const last = units.pop();
    if (last === undefined) this.#units += 1;
    this.#prepare(folder, last ?? packEntries([]), { close: true });
  }

  #prepare(folder: Folder, entries: PackedEntries, { create = false, close = false }): void {
    const { ledger, ours } = this.options;
    const mine = new Set([...(ours.get(folder.id) ?? []), ...(this.#mine.get(folder.id) ?? [])]);
    const parts = this.#partsOf(folder, entries);
    const fresh = folder.row?.made === 'foreign' ? folder.taken !== undefined : isOfThisPass(ledger, folder);
    const unit: PackedUnit = {
      folder: folder.id,
      path: folder.path,
      create,
      handsDown: handsDown(folder),
      entries,
      place: fresh || folder.state === 'staging' ? 'free' : 'asked',
      ...(folder.state === 'staging' ? { stage: folder.row?.stage ?? '' } : {}),
      ...(close ? { close: folder.facts } : {}),
      ...(mine.size === 0 ? {} : { ours: [...mine] }),
      ...(folder.taken === undefined || folder.taken.length === 0 ? {} : { taken: folder.taken }),
      ...(parts.length === 0 ? {} : { parts }),
    };
    const intent = this.#intentKey(folder);
    ledger.put(intent, encodeIntent(entries));
    folder.running += 1;
    this.#preparing.push({ folder, unit, intent });
  }

  #partsOf(folder: Folder, entries: PackedEntries): (readonly [ByteName, Part])[] {
    if (entries.bytes < 64 * 1024 * 1024) return [];
    return namesOf(entries).flatMap((name) => {
      const value = this.options.ledger.get(nameKey(TABLE.part, folder.id, name));
      return value === undefined ? [] : [[name, decodePart(value)] as const];
    });
  }

  /** Makes the intents durable, then lets their units begin. */
  #flush(): void {
    if (this.#flushing || this.#preparing.length === 0) return;
    // while there is enough to do, more intents are gathered for one write
    if (this.#ready.length > this.options.executor.capacity * 2 && this.#preparing.length < GATHERED) return;
    this.#flushing = true;
    const batch = this.#preparing;
    this.#preparing = [];
    this.options.ledger.durable().then(
      () => {
        this.#flushing = false;
        this.#ready.push(...batch);
        this.#pump();
      },
      (error: unknown) => {
        this.#flushing = false;
        this.fail(error);
      },
    );
  }

  #pump(): void {
    const { executor, gate, stopped, progressed } = this.options;
    this.#flush();
    while (this.#failure === undefined && !stopped() && gate.isOpen && this.#active < executor.capacity) {
      const make = this.#makes.shift();
      if (make !== undefined) {
        this.#make(make);
        continue;
      }
      const prepared = this.#ready.shift();
      if (prepared === undefined) break;
      this.#copy(prepared);
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
    progressed();
  }

  #make(folder: Folder): void {
    this.#active += 1;
    this.options.executor.run({ task: 'make', path: folder.path }).then(
      (made) => {
        this.#active -= 1;
        this.#guard(() => {
          this.#inARow = 0;
          if (made.is === 'occupied') this.#giveUp(folder, 'FOREIGN', 'something that is no folder is in its place');
          else this.#made(folder, made.is === 'foreign' ? made.names : null);
        });
        this.#pump();
      },
      (error: unknown) => {
        this.#active -= 1;
        this.#guard(() => {
          const gone = error instanceof TaskFailed && error.code === 'ENOENT';
          this.#folderFailed(folder, error, () => {
            if (gone) this.#makeAbove(folder);
            else this.#makes.push(folder);
          });
        });
        this.#pump();
      },
    );
  }

  /** Somebody removed the folder above one that is to be made: it is made again first. */
  #makeAbove(folder: Folder): void {
    const { parent } = folder;
    if (parent?.state === 'ready' && parent.parent !== null) {
      parent.state = 'making';
      this.#makes.push(parent);
    }
    if (parent === null || parent.state === 'ready') this.#makes.push(folder);
    else {
      parent.whenReady.push((ready) => {
        if (ready) this.#makes.push(folder);
        else this.#giveUp(folder, 'FAILED', ABOVE_NOT_MADE);
      });
    }
  }

  #made(folder: Folder, foreign: readonly ByteName[] | null): void {
    const { ledger } = this.options;
    const former = folder.row;
    folder.state = 'ready';
    if (foreign !== null) folder.taken = foreign;
    const made = foreign === null ? 'own' : 'foreign';
    noteFolder(ledger, folder, { made, stage: '', generation: ledger.meta().generation });
    if (former !== null) this.#madeAgain(folder, former, new Set(foreign ?? []));
    touch(ledger, folder);
    touch(ledger, folder.parent);
    this.#opened(folder);
  }

  /** What the ledger knows in the folder and is not there went with the former one: the next pass copies it. */
  #madeAgain(folder: Folder, former: FolderRow, there: ReadonlySet<ByteName>): void {
    const { ledger, skipped } = this.options;
    ledger.commit();
    // a staging folder that was given up is swept at the end
    if (former.made === 'staging') this.#noteTemp(folder.parent);
    const lost = forgetIn(ledger, folder.id, there);
    if (lost > 0)
      skipped.add(folder.path, 'DEST_CHANGED', `somebody removed it: the next pass copies ${lost} files again`);
  }

  /** Something of ours may be left in a folder. */
  #noteTemp(folder: Folder | null): void {
    if (folder === null) return;
    this.options.ledger.put(this.#intentKey(folder), Buffer.alloc(0));
  }

  /** Intents of a run that was killed stay until the pass has ended, so no other run may use their keys. */
  #intentKey({ id }: Folder): Buffer {
    return nameKey(TABLE.intent, id, `${this.options.run}.${(this.#sequence += 1).toString(36)}`);
  }

  #opened(folder: Folder): void {
    this.#next(folder);
    for (const call of folder.whenReady.splice(0)) call(true);
  }

  #copy({ folder, unit, intent }: Prepared): void {
    this.#active += 1;
    this.options.executor.run({ task: 'unit', unit }).then(
      (result) => {
        this.#active -= 1;
        this.#guard(() => {
          this.#ended(folder, unit, intent, result);
        });
        this.#pump();
      },
      (error: unknown) => {
        this.#active -= 1;
        this.#guard(() => {
          const code = error instanceof TaskFailed ? error.code : undefined;
          if (code === undefined) throw error;
          this.#ended(folder, unit, intent, {
            reached: 0,
            rows: Buffer.alloc(0),
            odd: [],
            closed: false,
            failed: { code, wrote: [] },
          });
        });
        this.#pump();
      },
    );
  }

  #ended(folder: Folder, unit: PackedUnit, intent: Buffer, result: PackedResult): void {
    const { ledger, stopped } = this.options;
    folder.running -= 1;
    this.#units -= 1;
    if (unit.stage !== undefined && unit.stage !== folder.row?.stage) {
      // its staging folder was given up meanwhile: it goes to the folder itself
      this.#units += 1;
      folder.units.push(unit.entries);
      this.#next(folder);
      return;
    }
    if (result.failed !== undefined && !stopped()) {
      this.#mine.set(folder.id, new Set([...(this.#mine.get(folder.id) ?? []), ...result.failed.wrote]));
      this.#unitFailed(folder, unit, result.failed.code);
      return;
    }
    if (result.failed === undefined) this.#tries.delete(`${folder.id}/`);
    const left = result.failed === undefined ? this.#record(folder, unit, result) : [];
    // a unit that was cut short keeps its intent: a temporary file may be left
    if (!stopped() || result.reached === unit.entries.count) ledger.remove(intent);
    if (unit.create && result.failed === undefined) folder.created = true;
    if (result.closed) {
      noteFolder(ledger, folder, { made: 'own', stage: '', settled: true, generation: ledger.meta().generation });
      folder.state = 'ready';
      touch(ledger, folder.parent);
    }
    if (ledger.waiting >= COMMIT_ROWS) ledger.commit();
    if (stopped()) return;
    if (left.length > 0) this.#retry(folder, left);
    else if (folder.state === 'staging') this.#next(folder);
    else if (result.closed) this.#opened(folder);
  }

  /** Notes what is durable. @returns the entries that have to be tried again. */
  #record(folder: Folder, unit: PackedUnit, result: PackedResult): Entry[] {
    const { ledger } = this.options;
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
      this.#inARow = 0;
      this.keep(folder, name, row, former?.[index]?.row, outcome?.is ?? 'copied');
      if (outcome?.conflict === true) {
        this.options.skipped.add(
          join(folder.path, name),
          'CONFLICT',
          'changed on both sides: the other is in quarantine',
        );
      }
      if (unit.parts?.some(([part]) => part === name) === true || readSize(row) > 64n * 1024n * 1024n) {
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
    how: 'copied' | 'same' | 'adopted',
  ): void {
    const { ledger, skipped } = this.options;
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
    } else this.copied[how] += 1;
  }

  #notCopied(folder: Folder, name: ByteName, outcome: Exclude<Outcome, { row: FileRow }>): void {
    if (outcome.is !== 'skipped') return;
    if (outcome.reason === 'CHANGED') this.copied.changed += 1;
    this.options.skipped.add(join(folder.path, name), outcome.reason, outcome.detail);
  }

  #leftOf(folder: Folder, unit: PackedUnit, result: PackedResult, odd: ReadonlyMap<number, Outcome>): Entry[] {
    const again = [...odd].filter(([, { is }]) => is === 'again' || is === 'no room');
    if (again.length === 0 && result.reached === unit.entries.count) return [];
    const entries = unpackEntries(unit.entries, () => 'asked');
    const left = entries.slice(result.reached);
    for (const [index, outcome] of again) {
      const entry = entries[index];
      if (entry === undefined || !('code' in outcome)) continue;
      if (outcome.is === 'no room') this.options.gate.close('no room at the destination');
      else if (!this.#mayTryAgain(folder, entry.name, outcome.code)) continue;
      left.push(entry);
    }
    return left;
  }

  /** Counts a failure. @returns false when the item has been listed instead. */
  #mayTryAgain(folder: Folder, name: ByteName, code: string): boolean {
    this.#inARow += 1;
    if (this.#inARow >= AWAY_AFTER) this.options.gate.close(`the destination does not answer (${code})`);
    if (!this.options.gate.isOpen) return true;
    const key = `${folder.id}/${name}`;
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.set(key, tries);
    if (tries < TRIES) return true;
    this.#tries.delete(key);
    this.options.skipped.add(join(folder.path, name), 'FAILED', `${code}, ${TRIES} times`);
    return false;
  }

  #retry(folder: Folder, entries: readonly Entry[]): void {
    const most = Math.max(0, ...entries.map(({ name }) => this.#tries.get(`${folder.id}/${name}`) ?? 0));
    this.#units += 1;
    this.#after(most, () => {
      folder.units.push(packEntries(entries));
      this.#next(folder);
    });
  }

  #after(tries: number, work: () => void): void {
    this.#later += 1;
    setTimeout(
      () => {
        this.#later -= 1;
        this.#guard(work);
        this.#pump();
      },
      tries === 0 ? 0 : 100 * 2 ** tries,
    );
  }

  /** The folder could not be worked in: nothing of the unit counts. */
  #unitFailed(folder: Folder, unit: PackedUnit, code: string): void {
    folder.units.push(unit.entries);
    this.#units += 1;
    // several units that fail together are one failure of their folder
    if (folder.state === 'making' || this.#resting.has(folder.id)) return;
    if (folder.state === 'lost') {
      this.#giveUp(folder, 'FAILED', NOT_MADE);
      return;
    }
    // A folder that somebody removed is made again. So is the place of a staging folder that is not there: a kill came
    // before it was made, or after it was renamed.
    const gone = code === 'ENOENT' || code === 'ENOTDIR';
    if (gone && folder.parent !== null && (folder.state === 'ready' || (folder.state === 'staging' && !unit.create))) {
      folder.state = 'making';
      this.#folderFailed(folder, new TaskFailed('EAGAIN'), () => {
        this.#makes.push(folder);
      });
      return;
    }
    if (unit.create) folder.created = false;
    this.#folderFailed(folder, new TaskFailed(code), () => {
      this.#next(folder);
    });
  }

  #folderFailed(folder: Folder, error: unknown, tryAgain: () => void): void {
    if (!(error instanceof TaskFailed)) throw error;
    this.#resting.add(folder.id);
    const again = (): void => {
      this.#resting.delete(folder.id);
      tryAgain();
    };
    const trouble = classify({ code: error.code });
    if (trouble.is === 'no room') {
      this.options.gate.close('no room at the destination');
      this.#after(0, again);
      return;
    }
    if (trouble.is === 'again') {
      if (this.#mayTryAgain(folder, '', error.code)) this.#after(this.#tries.get(`${folder.id}/`) ?? 1, again);
      else this.#giveUp(folder, 'FAILED', error.code);
      return;
    }
    this.#giveUp(folder, trouble.reason, error.code);
  }

  /** Lists a folder and everything that waited for it. */
  #giveUp(folder: Folder, reason: SkipReason, detail: string): void {
    this.#resting.delete(folder.id);
    if (folder.state !== 'ready') folder.state = 'lost';
    this.options.skipped.add(folder.path === '' ? '.' : folder.path, reason, detail);
    for (const entries of folder.units.splice(0)) {
      this.#units -= 1;
      for (const name of namesOf(entries)) this.options.skipped.add(join(folder.path, name), reason, detail);
    }
    for (const call of folder.whenReady.splice(0)) call(false);
    if (folder.parent === null)
      throw new RolloutError('NO_ROOM', `the destination's root cannot be written: ${detail}`);
  }
}

function isOfThisPass(ledger: Ledger, { row }: Folder): boolean {
  return row?.made === 'own' && row.generation === ledger.meta().generation;
}

const SET_GROUP = 0o2000;

/** Whether a folder, or one above it that it was made in, may hand down its group. */
function handsDown(folder: Folder): boolean {
  for (let at: Folder | null = folder; at !== null; at = at.parent) {
    const modes = at.facts.mode | (at.row?.mode ?? 0);
    if ((modes & SET_GROUP) !== 0 || at.row?.made === 'foreign') return true;
  }
  return false;
}
