import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { shown, type ByteName } from './names.js';
import type { Skipped, SkipReason } from './types.js';

/** The list, in the folder of the ledger whose latest pass made it. */
export const SKIPPED_FILE = 'skipped.jsonl';
/** Lines that are written at a time. */
const BATCH = 500;

/**
 * The hash that an approval names: of paths and reasons in the order of the paths. Not of the details, which may be
 * others in the next pass although nothing has changed.
 */
export class ListHash {
  readonly #hash = createHash('sha256');

  /** @param line - the next one of a list. */
  add(line: string): Skipped {
    const item = JSON.parse(line) as Skipped;
    // a path as it is shown holds no NUL
    this.#hash.update(`${item.path}\0${item.reason}\n`);
    return item;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** What a pass could not carry, one JSON line per item, in the order of the paths; each path once. */
export class SkippedList {
  readonly #unsorted: string;
  readonly #paths = new Set<ByteName>();
  #lines: string[] = [];
  #fd: number | undefined;

  constructor(private readonly dir: string) {
    this.#unsorted = join(dir, `${SKIPPED_FILE}.unsorted`);
    rmSync(this.#unsorted, { force: true });
  }

  get count(): number {
    return this.#paths.size;
  }

  has(path: ByteName): boolean {
    return this.#paths.has(path);
  }

  /** A path is listed once, with the first reason. */
  add(path: ByteName, reason: SkipReason, detail: string): void {
    if (this.#paths.has(path)) return;
    this.#paths.add(path);
    const item: Skipped = { path: shown(path), reason, detail };
    this.#lines.push(JSON.stringify(item));
    if (this.#lines.length >= BATCH) this.#flush();
  }

  /** Writes the list durably in the place of the former one. @returns its file and hash; nothing when it is empty. */
  finish(): { skippedFile: string; skippedHash: string } | undefined {
    this.#flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    const file = join(this.dir, SKIPPED_FILE);
    if (this.#paths.size === 0) {
      rmSync(file, { force: true });
      return undefined;
    }
    const lines = readFileSync(this.#unsorted, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    lines.sort();
    const sorted = openSync(`${file}.sorted`, 'w', 0o600);
    writeSync(sorted, `${lines.join('\n')}\n`);
    fsyncSync(sorted);
    closeSync(sorted);
    renameSync(`${file}.sorted`, file);
    rmSync(this.#unsorted, { force: true });
    const hash = new ListHash();
    for (const line of lines) hash.add(line);
    return { skippedFile: file, skippedHash: hash.digest() };
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    this.#fd ??= openSync(this.#unsorted, 'a', 0o600);
    writeSync(this.#fd, `${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}
