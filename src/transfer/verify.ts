import { createHash, randomInt } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join as joinPath } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { hashContent } from './content.js';
import { linkHash } from './copy-link.js';
import { readBuffer, readsDirectly } from './direct.js';
import { close, codeOf, fstat, readlink, type Sequence } from './io.js';
import { runAsync } from './io-async.js';
import { LedgerReader } from './ledger.js';
import { nameOf, TABLE, whole } from './ledger-keys.js';
import { lockLedger } from './lock.js';
import { join, shown, toFs, under, type ByteName } from './names.js';
import { inFlight } from './in-flight.js';
import { FileType, readRow, type FileRow } from './row.js';
import { readSentinel } from './sentinel.js';
import { openItself, realRoot } from './source-file.js';
import type { Steering } from './engine.js';
import type { Amount, VerifyOptions, VerifyResult } from './types.js';

const { O_RDONLY, O_DIRECT } = constants;
/** Files that are read at a time, and rows taken from the ledger at a time. */
const WIDTH = 8;
const BATCH = 1_024;
const CURSOR = 'verify.json';
const DIFFERENCES = 'differences.jsonl';

/** How far a verification has come: the next call goes on there. */
interface Cursor {
  readonly generation: number;
  readonly sample: number;
  readonly seed: number;
  readonly latest?: boolean;
  readonly after: string;
  readonly checked: Amount;
  readonly different: number;
  /** Bytes of the list of differences: what is behind them will be found again. */
  readonly listed: number;
}

/**
 * Reads the destination back and compares it with the hashes that the ledger recorded (R25). Stopped, it goes on where
 * it was.
 *
 * @throws RolloutError DESTINATION_OTHER when it is not the ledger's destination; LEDGER_BUSY. The signal's reason.
 */
export async function verifyTree(options: VerifyOptions, { onProgress, signal }: Steering): Promise<VerifyResult> {
  const began = Date.now();
  const release = await lockLedger(options.ledger);
  const reader = new LedgerReader(options.ledger);
  try {
    const meta = reader.meta();
    const mark = await readSentinel(options.destination);
    if (meta === null || mark?.uuid !== meta.uuid) {
      throw new RolloutError('DESTINATION_OTHER', `${options.destination} is not the destination of this ledger`);
    }
    const job = new Verification(reader, options, meta.generation);
    const read = job.howRead(meta.host);
    const total = {
      files: Math.ceil((meta.files * job.sample) / 100),
      bytes: Math.ceil((meta.bytes * job.sample) / 100),
    };
    const timer = setInterval(() => {
      const { checked, different } = job;
      onProgress({
        phase: 'verify',
        ...{ seen: checked, durable: checked, total },
        copied: { files: 0, bytes: 0 },
        skipped: different,
        ...{ deleted: 0, moved: 0 },
      });
    }, 1_000);
    try {
      await job.run(read === 'direct', signal);
    } finally {
      clearInterval(timer);
    }
    const { checked, different } = job;
    return {
      outcome: different === 0 ? 'equal' : 'different',
      ...{ read, checked, different },
      ...(job.sample < 100 ? { seed: job.seed } : {}),
      ...(different === 0 ? {} : { differencesFile: joinPath(options.ledger, DIFFERENCES) }),
      seconds: (Date.now() - began) / 1_000,
    };
  } finally {
    await reader.close();
    release();
  }
}

class Verification {
  readonly sample: number;
  readonly seed: number;
  different = 0;
  readonly #latest: boolean;
  #listed = 0;
  #files = 0;
  #bytes = 0;
  #after = '';
  readonly #root: ByteName;
  readonly #buffers: Buffer[] = [];
  #folder: { readonly id: number; readonly path: ByteName } | undefined;

  constructor(
    private readonly reader: LedgerReader,
    private readonly options: VerifyOptions,
    readonly generation: number,
  ) {
    this.sample = options.sample ?? 100;
    this.#latest = options.latest ?? false;
    this.#root = realRoot(options.destination);
    const cursor = this.#readCursor();
    const goesOn =
      cursor?.generation === generation &&
      cursor.sample === this.sample &&
      (cursor.latest ?? false) === this.#latest &&
      (options.seed ?? cursor.seed) === cursor.seed;
    this.seed = options.seed ?? (goesOn ? cursor.seed : randomInt(2 ** 32));
    if (goesOn) {
      this.#listed = cursor.listed;
      // what a call that was killed had listed beyond its cursor is found again
      if (this.#listed > 0) truncateSync(this.#path(DIFFERENCES), this.#listed);
      this.#after = cursor.after;
      this.#files = cursor.checked.files;
      this.#bytes = cursor.checked.bytes;
      this.different = cursor.different;
    }
    if (this.#listed === 0) rmSync(this.#path(DIFFERENCES), { force: true });
  }

  get checked(): Amount {
    return { files: this.#files, bytes: this.#bytes };
  }

  /** Who did not write has nothing of it in its cache; who did must read past it. */
  howRead(writer: string): VerifyResult['read'] {
    if (writer !== hostname()) return 'another machine';
    for (const { key, value } of this.reader.range(whole(TABLE.file))) {
      const row = readRow(value);
      if (row.type !== FileType.file || row.size === 0n) continue;
      const direct = readsDirectly(this.#pathOf(key));
      if (direct !== null) return direct ? 'direct' : 'through the cache';
    }
    return 'through the cache';
  }

  async run(direct: boolean, signal: AbortSignal): Promise<void> {
    const { start, end } = whole(TABLE.file);
    for (;;) {
      signal.throwIfAborted();
      const from = this.#after === '' ? start : Buffer.from(this.#after, 'hex');
      const batch: { key: Buffer; row: FileRow }[] = [];
      let last: Buffer | undefined;
      for (const { key, value } of this.reader.range({ start: from, end })) {
        if (this.#after !== '' && from.equals(key)) continue;
        last = Buffer.from(key);
        const row = readRow(value);
        if (this.#isAsked(last, row)) batch.push({ key: last, row });
        if (batch.length === BATCH) break;
      }
      if (last === undefined) break;
      const differences: { readonly path: ByteName; readonly why: string }[] = [];
      await inFlight(batch, this.options.threads ?? WIDTH, async ({ key, row }) => {
        if (signal.aborted) return;
        const why = await this.#check(key, row, direct);
        if (why !== null) differences.push({ path: this.#below(key), why });
      });
      signal.throwIfAborted();
      this.#list(differences);
      this.#after = last.toString('hex');
      this.#writeCursor();
    }
    rmSync(this.#path(CURSOR), { force: true });
  }

  /** @returns what differs, or null. */
  async #check(key: Buffer, row: FileRow, direct: boolean): Promise<string | null> {
    const path = this.#pathOf(key);
    const buffer = this.#buffers.pop() ?? readBuffer();
    try {
      const why = await runAsync(compare(path, row, buffer, direct));
      if (why !== null) this.different += 1;
      this.#files += 1;
      this.#bytes += Number(row.size);
      return why;
    } finally {
      this.#buffers.push(buffer);
    }
  }

  #list(differences: readonly { readonly path: ByteName; readonly why: string }[]): void {
    const lines = differences.map(({ path, why }) =>
      JSON.stringify({ path: shown(path), reason: 'DIFFERENT', detail: why }),
    );
    if (lines.length === 0) return;
    const text = `${lines.sort().join('\n')}\n`;
    const fd = openSync(this.#path(DIFFERENCES), 'a', 0o600);
    writeSync(fd, text);
    fsyncSync(fd);
    closeSync(fd);
    this.#listed += Buffer.byteLength(text);
  }

  #below(key: Buffer): ByteName {
    const { folder, name } = nameOf(key);
    // files of a folder lie side by side in the ledger
    if (this.#folder?.id !== folder) this.#folder = { id: folder, path: this.reader.placeOf(folder) };
    return join(this.#folder.path, name);
  }

  #pathOf(key: Buffer): ByteName {
    return under(this.#root, this.#below(key));
  }

  #isAsked(key: Buffer, { generation }: FileRow): boolean {
    if (this.sample >= 100 || (this.#latest && generation === this.generation)) return true;
    const hash = createHash('sha1').update(`${this.seed}/`).update(key).digest();
    return hash.readUInt32BE(0) / 2 ** 32 < this.sample / 100;
  }

  #path(name: string): string {
    return joinPath(this.options.ledger, name);
  }

  #readCursor(): Cursor | null {
    try {
      return JSON.parse(readFileSync(this.#path(CURSOR), 'utf8')) as Cursor;
    } catch {
      return null;
    }
  }

  #writeCursor(): void {
    const { generation, sample, seed, checked, different } = this;
    const [latest, after, listed] = [this.#latest, this.#after, this.#listed];
    const cursor: Cursor = { generation, sample, seed, latest, after, checked, different, listed };
    const temporary = this.#path(`${CURSOR}.new`);
    const fd = openSync(temporary, 'w', 0o600);
    writeSync(fd, JSON.stringify(cursor));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(temporary, this.#path(CURSOR));
  }
}

/** Compares one copy with its row. @returns what differs in words, or null. */
function* compare(path: ByteName, row: FileRow, buffer: Buffer, direct: boolean): Sequence<string | null> {
  try {
    if (row.type === FileType.link) {
      return Buffer.from(linkHash(yield* readlink(toFs(path)))).equals(row.hash) ? null : 'another target';
    }
    const fd = yield* openItself(path, O_RDONLY | (direct ? O_DIRECT : 0));
    try {
      const there = yield* fstat(fd);
      if (!there.isFile()) return 'something else';
      const { size } = there;
      if (size !== row.size) return `${String(size)} bytes instead of ${String(row.size)}`;
      const digest = yield* hashContent(fd, buffer, row.size);
      return digest !== null && Buffer.from(digest).equals(row.hash) ? null : 'another content';
    } finally {
      yield* close(fd);
    }
  } catch (error) {
    return `cannot be read: ${codeOf(error) || 'unknown error'}`;
  }
}
