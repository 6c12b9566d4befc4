import { RolloutError } from '../cluster/errors.js';
import { classify } from './errors.js';
import { TaskFailed } from './executors.js';
import { ABOVE_NOT_MADE, FolderMaker } from './folder-maker.js';
import type { Folder } from './folders.js';
import type { Gate } from './gate.js';
import { nameKey, TABLE } from './ledger-keys.js';
import type { Ledger } from './ledger.js';
import { join, tempName, type ByteName } from './names.js';
import { namesOf, packEntries, type PackedEntries, type PackedResult } from './pack.js';
import { encodePart } from './parts.js';
import { PreparedUnits, type Prepared } from './prepared.js';
import { Results } from './results.js';
import type { SkippedList } from './skipped.js';
import { beginStage, endStage, giveUpStage, STAGED_FILES } from './staging.js';
import type { Executor, PackedUnit } from './tasks.js';
import { pauseAfter, Tries } from './tries.js';
import type { SkipReason } from './types.js';
import type { Entry, Part } from './work.js';

/** Rows, and milliseconds, after which the ledger is written. */
const COMMIT_ROWS = 512;
const COMMIT_EVERY = 250;

const NOT_MADE = 'its folder could not be made';

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
  readonly results: Results;
  readonly #tries: Tries;
  readonly #prepared: PreparedUnits;
  readonly #maker: FolderMaker;
  #active = 0;
  #later = 0;
  #units = 0;
  #stages = 0;
  #failure: Error | undefined;
  #idle: (() => void)[] = [];
  /** Folders that wait for their next try. */
  readonly #resting = new Set<number>();
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly options: CopierOptions) {
    const { ledger, executor, gate, skipped, ours } = options;
    this.#tries = new Tries(gate, skipped);
    this.results = new Results(ledger, skipped, gate, this.#tries);
    this.#prepared = new PreparedUnits(ledger, ours, options.run);
    this.#maker = new FolderMaker(ledger, executor, skipped, {
      opened: (folder) => this.#opened(folder),
      giveUp: (folder, reason, detail) => this.#giveUp(folder, reason, detail),
      failed: (folder, error, tryAgain) => this.#folderFailed(folder, error, tryAgain),
      leftIn: (folder) => this.#prepared.noteTemp(folder),
      worked: () => {
        this.#tries.worked();
        gate.worked();
      },
    });
    this.#timer = setInterval(() => {
      this.#guard(() => ledger.commit());
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
    this.#tries.worked();
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
    return this.#units === 0 && !this.#maker.isWaiting && this.#later === 0 && !this.#prepared.isFlushing;
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
    if (this.options.staging && leaf && files > 0 && files <= STAGED_FILES) {
      beginStage(this.options.ledger, folder, tempName(this.options.run, `d${(this.#stages += 1).toString(36)}`));
      this.#next(folder);
      return;
    }
    this.#maker.ask(folder);
    this.#pump();
  }

  /** Prepares what of a folder can go on now. */
  #next(folder: Folder): void {
    if (folder.state === 'ready') {
      for (const entries of folder.units.splice(0)) this.#prepared.add(folder, entries);
    } else if (folder.state === 'staging') this.#nextStaged(folder);
    this.#pump();
  }

  /** The first unit makes the staging folder, the last one, when no other is at work, renames it into its place. */
  #nextStaged(folder: Folder): void {
    const { units } = folder;
    if (!folder.created) {
      if (folder.running > 0) return;
      const first = units.shift() ?? packEntries([]);
      this.#prepared.add(folder, first, { create: true, close: units.length === 0 });
      return;
    }
    while (units.length > 1) this.#prepared.add(folder, units.pop() ?? packEntries([]));
    if (folder.running > 0) return;
    const last = units.pop();
    if (last === undefined) this.#units += 1;
    this.#prepared.add(folder, last ?? packEntries([]), { close: true });
  }

  #pump(): void {
    const { executor, gate, stopped, progressed } = this.options;
    this.#prepared.flush(
      executor.capacity,
      () => this.#pump(),
      (error) => this.fail(error),
    );
    const mayBegin = (): boolean => gate.isOpen && this.#active < Math.min(executor.capacity, gate.width);
    while (this.#failure === undefined && !stopped() && mayBegin()) {
      const folder = this.#maker.take();
      if (folder !== undefined) {
        this.#run(this.#maker.make(folder));
        continue;
      }
      const prepared = this.#prepared.take();
      if (prepared === undefined) break;
      this.#run(this.#copy(prepared));
    }
    if (this.#isIdle()) for (const resolve of this.#idle.splice(0)) resolve();
    progressed();
  }

  /** @param work resolves with what is to be done about how it ended. */
  #run(work: Promise<() => void>): void {
    this.#active += 1;
    const ended = (then: () => void): void => {
      this.#active -= 1;
      this.#guard(then);
      this.#pump();
    };
    work.then(ended, (error: unknown) => {
      ended(() => {
        throw error;
      });
    });
  }

  #opened(folder: Folder): void {
    this.#next(folder);
    for (const call of folder.whenReady.splice(0)) call(true);
  }

  async #copy({ folder, unit, intent }: Prepared): Promise<() => void> {
    let result: PackedResult;
    try {
      result = await this.options.executor.run({ task: 'unit', unit });
    } catch (error) {
      if (!(error instanceof TaskFailed)) throw error;
      result = { reached: 0, rows: Buffer.alloc(0), odd: [], closed: false, failed: { code: error.code, wrote: [] } };
    }
    return () => this.#ended(folder, unit, intent, result);
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
      // what is beside its place yet has no claim to a name in the folder itself
      if (unit.stage === undefined) this.#prepared.noteWritten(folder, result.failed.wrote);
      this.#unitFailed(folder, unit, result.failed.code);
      return;
    }
    if (result.failed === undefined) this.#tries.forget(folder);
    const left = result.failed === undefined ? this.results.record(folder, unit, result) : [];
    // a unit that was cut short keeps its intent: a temporary file may be left
    if (!stopped() || result.reached === unit.entries.count) ledger.remove(intent);
    if (result.failed === undefined && left.length === 0) this.options.gate.worked();
    if (unit.create && result.failed === undefined) folder.created = true;
    if (result.closed) endStage(ledger, folder);
    if (ledger.waiting >= COMMIT_ROWS) ledger.commit();
    if (stopped()) return;
    if (left.length > 0) this.#retry(folder, left);
    else if (folder.state === 'staging') this.#next(folder);
    else if (result.closed) this.#opened(folder);
  }

  #retry(folder: Folder, entries: readonly Entry[]): void {
    const most = Math.max(0, ...entries.map(({ name }) => this.#tries.of(folder, name)));
    this.#units += 1;
    this.#after(most, () => {
      folder.units.push(packEntries(entries));
      this.#next(folder);
    });
  }

  #after(tries: number, work: () => void): void {
    this.#later += 1;
    setTimeout(() => {
      this.#later -= 1;
      this.#guard(work);
      this.#pump();
    }, pauseAfter(tries));
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
      this.#folderFailed(folder, new TaskFailed('EAGAIN'), () => this.#maker.ask(folder));
      return;
    }
    if (unit.close !== undefined && (code === 'ENOTEMPTY' || code === 'EEXIST')) {
      giveUpStage(this.options.ledger, this.options.skipped, folder);
      this.#maker.ask(folder);
      return;
    }
    if (unit.create) folder.created = false;
    this.#folderFailed(folder, new TaskFailed(code), () => this.#next(folder));
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
      if (this.#tries.mayTryAgain(folder, '', error.code)) this.#after(Math.max(1, this.#tries.of(folder)), again);
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
