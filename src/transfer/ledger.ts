import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { join } from 'node:path';

import { open, type RootDatabase } from 'lmdb';

import { RolloutError } from '../cluster/errors.js';
import { idKey, nameKey, nameOf, startingWith, TABLE, whole, type Table } from './ledger-keys.js';
import { join as joinNames, type ByteName } from './names.js';
import type { KeptRules } from './probed.js';
import { decodeFolder, encodeFolder, type FolderRow } from './row.js';
import type { PassKind } from './types.js';

/** What the ledger says of itself. */
export interface LedgerMeta {
  readonly uuid: string;
  /** Grows with each pass; that of the pass under way or of the last one. */
  readonly generation: number;
  /** The pass that has begun and not ended. */
  readonly open: PassKind | 'reverse' | null;
  /** Milliseconds since the epoch when the last complete pass began. */
  readonly began: number;
  readonly nextFolder: number;
  /** Files at the destination, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** The boot in which the newest pass began: after another one, temporary files may lie anywhere (R17). */
  readonly boot: string;
  /** Generation of the newest complete final pass, and its base for the way back (R24). */
  readonly final?: number;
  /** Machine that wrote. */
  readonly host: string;
  /** Generation of the destination's mark (R21), and the one that is about to be written to it. */
  readonly mark: number;
  readonly nextMark?: number;
  /** The destination was claimed and not given back: a lease of a dead process may lie there. */
  readonly claimed?: true;
  /** Milliseconds since the epoch when the pass under way began. */
  readonly started: number;
  /** How exactly the destination keeps times, nanoseconds as text; and whether it keeps owners and modes. */
  readonly share?: {
    readonly granularity: string;
    readonly earliest: string;
    readonly latest: string;
    readonly owners?: boolean;
    readonly modes?: boolean;
  };
  /**
   * The ledger was lost and is built anew, or has been: the pass that does so and the one after it delete nothing (R18).
   */
  readonly rebuilt?: 'now' | 'before';
  /** What the last probe found out about the destination, and how that was mounted. */
  readonly probed?: { readonly mount: string; readonly rules: KeptRules };
  /** Only of the way back: the final pass whose rows it began with. */
  readonly base?: number;
}

type Operation = readonly [key: Buffer, value: Buffer | null];

/** The database in a ledger's folder. */
const FILE = 'ledger.mdb';
const META = Buffer.from('!meta', 'latin1');
/** Folders above one another: no path that the system takes has more. */
const DEEPEST = 4_096;
/** The root folder's number. */
export const ROOT_FOLDER = 1;

/** The counters of a ledger in which nothing is noted yet. */
const NOTHING_COPIED = {
  generation: 0,
  open: null,
  began: 0,
  nextFolder: ROOT_FOLDER + 1,
  files: 0,
  bytes: 0,
} as const satisfies Partial<LedgerMeta>;

type Database = RootDatabase<Buffer, Buffer>;

/** Where a database file says that it is one, what it says, and the least that it is long. */
const MAGIC = { at: 24, bytes: Buffer.from('dec0efbe', 'hex') };
const LEAST = 8_192;

/** The library does not survive a file that is no database. @throws RolloutError LEDGER_DAMAGED. */
function assertSound(file: string): void {
  if (!existsSync(file)) return;
  const fd = openSync(file, 'r');
  try {
    const found = Buffer.alloc(MAGIC.bytes.length);
    readSync(fd, found, 0, found.length, MAGIC.at);
    if (fstatSync(fd).size >= LEAST && found.equals(MAGIC.bytes)) return;
  } finally {
    closeSync(fd);
  }
  throw new RolloutError('LEDGER_DAMAGED', `${file} is no ledger`);
}

function openDatabase(dir: string, readOnly: boolean): Database {
  assertSound(join(dir, FILE));
  return open<Buffer, Buffer>({
    path: join(dir, FILE),
    keyEncoding: 'binary',
    encoding: 'binary',
    // one file name, not a folder
    noSubdir: true,
    maxReaders: 64,
    readOnly,
  });
}

/** Reads the ledger; walkers have one each, in their own thread. */
export class LedgerReader {
  protected readonly db: Database;

  /** @throws RolloutError LEDGER_DAMAGED when the file is no ledger. */
  constructor(dir: string, readOnly = true) {
    this.db = openDatabase(dir, readOnly);
  }

  /** A synchronous loop sees one snapshot until it asks for another. */
  refresh(): void {
    this.db.resetReadTxn();
  }

  get(key: Buffer): Buffer | undefined {
    return this.db.get(key);
  }

  *range(bounds: { start: Buffer; end: Buffer }): Iterable<{ key: Buffer; value: Buffer }> {
    // the library uses one piece of memory for all keys
    for (const { key, value } of this.db.getRange(bounds)) yield { key: Buffer.from(key), value: Buffer.from(value) };
  }

  /** Rows of a folder's files, by name. */
  filesOf(folder: number): Map<ByteName, Buffer> {
    const rows = new Map<ByteName, Buffer>();
    for (const { key, value } of this.db.getRange(startingWith(idKey(TABLE.file, folder)))) {
      rows.set(nameOf(key).name, value);
    }
    return rows;
  }

  /** Rows of a folder's folders, by name. */
  foldersOf(folder: number): Map<ByteName, FolderRow> {
    const rows = new Map<ByteName, FolderRow>();
    for (const { key, value } of this.db.getRange(startingWith(idKey(TABLE.folder, folder)))) {
      rows.set(nameOf(key).name, decodeFolder(value));
    }
    return rows;
  }

  folder(parent: number, name: ByteName): FolderRow | null {
    const value = this.db.get(nameKey(TABLE.folder, parent, name));
    return value === undefined ? null : decodeFolder(value);
  }

  /** Whether a number is that of a folder. */
  knows(folder: number): boolean {
    return folder === ROOT_FOLDER || this.db.get(idKey(TABLE.place, folder)) !== undefined;
  }

  /** Path below the root, and depth, of a folder. @throws RolloutError LEDGER_DAMAGED. */
  pathOf(id: number): { path: ByteName; depth: number; parent: number; name: ByteName } {
    let [path, depth] = ['', 0];
    let own = { folder: 0, name: '' };
    for (let at = id; at !== ROOT_FOLDER; depth += 1) {
      const value = this.db.get(idKey(TABLE.place, at));
      if (value === undefined) throw new RolloutError('LEDGER_DAMAGED', `the ledger knows no folder ${at}`);
      const place = nameOf(value);
      if (depth > DEEPEST) throw new RolloutError('LEDGER_DAMAGED', `in the ledger folder ${id} lies in itself`);
      if (depth === 0) own = place;
      path = depth === 0 ? place.name : joinNames(place.name, path);
      at = place.folder;
    }
    return { path, depth, parent: own.folder, name: own.name };
  }

  /** Where a folder's files lie at the destination: in its staging folder until that is renamed. */
  placeOf(id: number): ByteName {
    const { path, parent, name } = this.pathOf(id);
    const row = id === ROOT_FOLDER ? null : this.folder(parent, name);
    if (row?.made !== 'staging') return path;
    return joinNames(path.slice(0, Math.max(0, path.length - name.length - 1)), row.stage);
  }

  meta(): LedgerMeta | null {
    const value = this.db.get(META);
    return value === undefined ? null : (JSON.parse(value.toString('utf8')) as LedgerMeta);
  }

  async close(): Promise<void> {
    await this.db.close();
  }
}

/**
 * The ledger: what is at the destination, durably. It may lag behind the destination, never lead it (R1). The only
 * writer is the engine's main thread.
 */
export class Ledger extends LedgerReader {
  #meta: LedgerMeta;
  #pending: Operation[] = [];
  #metaChanged = false;
  /** A write failed: nothing more may follow what is lacking. */
  #failed: RolloutError | undefined;

  private constructor(
    private readonly dir: string,
    host: string,
  ) {
    super(dir, false);
    this.#meta = super.meta() ?? { ...NOTHING_COPIED, uuid: randomUUID(), boot: '', host, mark: 0, started: 0 };
  }

  /** @throws RolloutError LEDGER_DAMAGED when the file is no ledger, LEDGER_FULL when its disk has no room for more. */
  static open(dir: string, host: string): Ledger {
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      // the database writes to mapped memory, where a full disk is no error but a signal that ends the process
      if (roomOn(dir) < NO_ROOM) throw ledgerFailure(new Error('no room before the first write'), dir);
      return new Ledger(dir, host);
    } catch (error) {
      if (error instanceof RolloutError) throw error;
      throw new RolloutError('LEDGER_DAMAGED', `the ledger in ${dir} cannot be opened`, { cause: error });
    }
  }

  /** Opens a ledger that may be damaged: then it is put aside, as `ledger.mdb.damaged`, and a new one begun. */
  static openAnyway(dir: string, host: string): Ledger {
    try {
      return Ledger.open(dir, host);
    } catch (error) {
      if (!(error instanceof RolloutError) || error.code !== 'LEDGER_DAMAGED') throw error;
      const file = join(dir, FILE);
      if (!existsSync(file)) throw error;
      renameSync(file, `${file}.damaged`);
      rmSync(`${file}-lock`, { force: true });
      return Ledger.open(dir, host);
    }
  }

  override meta(): LedgerMeta {
    return this.#meta;
  }

  amend(change: Partial<LedgerMeta>): void {
    this.#meta = { ...this.#meta, ...change };
    this.#metaChanged = true;
  }

  /** A number for a new folder. */
  newFolder(): number {
    const id = this.#meta.nextFolder;
    this.amend({ nextFolder: id + 1 });
    return id;
  }

  put(key: Buffer, value: Buffer): void {
    this.#pending.push([key, value]);
  }

  remove(key: Buffer): void {
    this.#pending.push([key, null]);
  }

  putFolder(parent: number, name: ByteName, row: FolderRow): void {
    this.put(nameKey(TABLE.folder, parent, name), encodeFolder(row));
    if (row.id !== ROOT_FOLDER) this.put(idKey(TABLE.place, row.id), nameKey(TABLE.folder, parent, name));
  }

  /** Forgets everything: what is at the destination will be compared by content (R21). */
  renew(identity: Pick<LedgerMeta, 'uuid' | 'mark'>): void {
    // first: after a kill in between, what is gone from some tables only must not lead to deletions
    this.amend({ rebuilt: 'now' });
    for (const table of Object.values(TABLE)) this.clear(table);
    const { nextMark: _, final: __, probed: ___, ...kept } = this.#meta;
    this.#meta = { ...kept, ...NOTHING_COPIED, ...identity };
    this.#metaChanged = true;
    this.commit();
  }

  /** Forgets what the ledger says of itself in one point. */
  forget(point: 'rebuilt' | 'probed' | 'claimed'): void {
    const { [point]: _, ...kept } = this.#meta;
    this.#meta = kept;
    this.#metaChanged = true;
  }

  /** Operations that wait for `commit`. */
  get waiting(): number {
    return this.#pending.length;
  }

  /**
   * Writes all that waits in one transaction: visible to everybody, safe from a kill of this process.
   *
   * @throws RolloutError LEDGER_FULL when its disk has no room.
   */
  commit(): void {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#pending.length === 0 && !this.#metaChanged) return;
    const operations = this.#pending;
    this.#pending = [];
    try {
      this.db.transactionSync(() => {
        for (const [key, value] of operations) {
          if (value === null) this.db.removeSync(key);
          else this.db.putSync(key, value);
        }
        if (this.#metaChanged) this.db.putSync(META, Buffer.from(JSON.stringify(this.#meta)));
      });
      this.#metaChanged = false;
    } catch (error) {
      this.#failed = ledgerFailure(error, this.dir);
      throw this.#failed;
    }
  }

  /** Commits, and waits until a power cut cannot take it back. */
  async durable(): Promise<void> {
    this.commit();
    try {
      await this.db.flushed;
    } catch (error) {
      this.#failed ??= ledgerFailure(error, this.dir);
      throw this.#failed;
    }
  }

  /** Removes a whole table of work that is over. */
  clear(table: Table): void {
    this.commit();
    let keys: Buffer[] = [];
    for (const { key } of this.range(whole(table))) {
      keys.push(Buffer.from(key));
      if (keys.length < 10_000) continue;
      for (const one of keys) this.remove(one);
      keys = [];
    }
    for (const one of keys) this.remove(one);
    this.commit();
  }

  override async close(): Promise<void> {
    // after a failure its cause is already on its way, and what waits must not be written
    if (this.#failed === undefined) await this.durable();
    await super.close();
  }
}

/** Bytes below which a disk counts as full: the database says "input/output error" where a write was cut short. */
const NO_ROOM = 1024 * 1024;

function ledgerFailure(error: unknown, dir: string): RolloutError {
  const full = /ENOSPC|No space|MDB_MAP_FULL|quota/i.test(String(error)) || roomOn(dir) < NO_ROOM;
  return new RolloutError(
    full ? 'LEDGER_FULL' : 'LEDGER_DAMAGED',
    full ? 'the disk of the ledger has no room: nothing more was written' : 'the ledger cannot be written',
    { cause: error },
  );
}

function roomOn(dir: string): number {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
