import { CHUNK } from './content.js';
import type { Folder } from './folders.js';
import { encodeIntent } from './intents.js';
import { nameKey, TABLE } from './ledger-keys.js';
import type { Ledger } from './ledger.js';
import type { ByteName } from './names.js';
import { namesOf, type PackedEntries } from './pack.js';
import { decodePart } from './parts.js';
import { ROW_SIZE } from './row.js';
import type { PackedUnit } from './tasks.js';
import type { Part } from './work.js';

/** Units whose intents are written together. */
const GATHERED = 32;
/** Requests of listing an empty folder, with some to spare; and names that come with one more. */
const LISTING = 6;
const NAMES_PER_REQUEST = 50;
const SET_GROUP = 0o2000;

/** A unit that may begin once its intent is durable. */
export interface Prepared {
  readonly folder: Folder;
  readonly unit: PackedUnit;
  readonly intent: Buffer;
}

/** What a unit does to its folder's staging folder. */
export interface StagedWork {
  /** Makes it first. */
  readonly create?: boolean;
  /** Renames it into its place in the end. */
  readonly close?: boolean;
}

/**
 * Units on their way to the executor: what is about to be written is noted durably before it is (R17), many units at a
 * time.
 */
export class PreparedUnits {
  readonly #ready: Prepared[] = [];
  #preparing: Prepared[] = [];
  #flushing = false;
  #sequence = 0;
  /** Names by folder that failed units have written: theirs are the rows that are open yet (R2). */
  readonly #written = new Map<number, ReadonlySet<ByteName>>();

  /** @param ours names by folder that a kill left half done. @param run tells this run's intents from earlier ones. */
  constructor(
    private readonly ledger: Ledger,
    private readonly ours: ReadonlyMap<number, ReadonlySet<ByteName>>,
    private readonly run: string,
  ) {}

  /** Intents are being written. */
  get isFlushing(): boolean {
    return this.#flushing;
  }

  /** A unit that can begin. */
  take(): Prepared | undefined {
    return this.#ready.shift();
  }

  add(folder: Folder, entries: PackedEntries, staged: StagedWork = {}): void {
    const { ledger } = this;
    const { create = false, close = false } = staged;
    const mine = new Set([...(this.ours.get(folder.id) ?? []), ...(this.#written.get(folder.id) ?? [])]);
    const parts = this.#partsOf(folder, entries);
    const fresh = folder.row?.made === 'foreign' ? folder.taken !== undefined : isOfThisPass(ledger, folder);
    const place = fresh || folder.state === 'staging' ? 'free' : 'asked';
    const unit: PackedUnit = {
      folder: folder.id,
      path: folder.path,
      create,
      handsDown: handsDown(folder),
      entries,
      place,
      ...(place === 'asked' && isListed(folder, entries) ? { list: true } : {}),
      ...(folder.state === 'staging' ? { stage: folder.row?.stage ?? '' } : {}),
      ...(close ? { close: folder.facts } : {}),
      ...(mine.size === 0 ? {} : { ours: [...mine] }),
      ...(folder.taken === undefined || folder.taken.length === 0 ? {} : { taken: folder.taken }),
      ...(parts.length === 0 ? {} : { parts }),
    };
    const intent = this.#intentIn(folder);
    ledger.put(intent, encodeIntent(entries));
    folder.running += 1;
    this.#preparing.push({ folder, unit, intent });
  }

  /** A unit failed that had put names into place: whatever is there under them is ours. */
  noteWritten({ id }: Folder, names: readonly ByteName[]): void {
    this.#written.set(id, new Set([...(this.#written.get(id) ?? []), ...names]));
  }

  /** Something of ours may be left in a folder. */
  noteTemp(folder: Folder | null): void {
    if (folder !== null) this.ledger.put(this.#intentIn(folder), Buffer.alloc(0));
  }

  /**
   * Makes the intents durable, then lets their units begin.
   *
   * @param busy units that can be at work: while more are ready, more intents are gathered for one write.
   */
  flush(busy: number, flushed: () => void, failed: (error: unknown) => void): void {
    if (this.#flushing || this.#preparing.length === 0) return;
    if (this.#ready.length > busy * 2 && this.#preparing.length < GATHERED) return;
    this.#flushing = true;
    const batch = this.#preparing;
    this.#preparing = [];
    this.ledger.durable().then(
      () => {
        this.#flushing = false;
        this.#ready.push(...batch);
        flushed();
      },
      (error: unknown) => {
        this.#flushing = false;
        failed(error);
      },
    );
  }

  /** Intents of a run that was killed stay until the pass has ended, so no other run may use their keys. */
  #intentIn({ id }: Folder): Buffer {
    return nameKey(TABLE.intent, id, `${this.run}.${(this.#sequence += 1).toString(36)}`);
  }

  #partsOf(folder: Folder, entries: PackedEntries): (readonly [ByteName, Part])[] {
    if (entries.bytes < CHUNK) return [];
    return namesOf(entries).flatMap((name) => {
      const value = this.ledger.get(nameKey(TABLE.part, folder.id, name));
      return value === undefined ? [] : [[name, decodePart(value)] as const];
    });
  }
}

/** Whether listing the folder, some requests and one per so many names, is less than a look at each new name. */
function isListed({ files }: Folder, { count, rows }: PackedEntries): boolean {
  return count - rows.length / ROW_SIZE > LISTING + files / NAMES_PER_REQUEST;
}

function isOfThisPass(ledger: Ledger, { row }: Folder): boolean {
  return row?.made === 'own' && row.generation === ledger.meta().generation;
}

/** Whether a folder, or one above it that it was made in, may hand down its group. */
function handsDown(folder: Folder): boolean {
  for (let at: Folder | null = folder; at !== null; at = at.parent) {
    const modes = at.facts.mode | (at.row?.mode ?? 0);
    if ((modes & SET_GROUP) !== 0 || at.row?.made === 'foreign') return true;
  }
  return false;
}
