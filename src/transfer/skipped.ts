import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { shown, type ByteName } from './names.js';
import type { Skipped, SkipReason } from './types.js';

const FILE = 'skipped.jsonl';
/** Lines that are written at a time. */
const BATCH = 500;

/** What a pass could not carry, one JSON line per item, sorted: equal lists have an equal hash. */
export class SkippedList {
  readonly #unsorted: string;
  readonly #paths = new Set<ByteName>();
  #lines: string[] = [];
  #fd: number | undefined;

  constructor(private readonly dir: string) {
    this.#unsorted = join(dir, `${FILE}.unsorted`);
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

  /** Writes the list durably in the place of the former one. @returns its file and sha256; nothing when it is empty. */
  finish(): { skippedFile: string; skippedHash: string } | undefined {
    this.#flush();
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    const file = join(this.dir, FILE);
    if (this.#paths.size === 0) {
      rmSync(file, { force: true });
      return undefined;
    }
    const lines = readFileSync(this.#unsorted, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    const text = `${lines.sort().join('\n')}\n`;
    const sorted = openSync(`${file}.sorted`, 'w', 0o600);
    writeSync(sorted, text);
    fsyncSync(sorted);
    closeSync(sorted);
    renameSync(`${file}.sorted`, file);
    rmSync(this.#unsorted, { force: true });
    return { skippedFile: file, skippedHash: createHash('sha256').update(text).digest('hex') };
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    this.#fd ??= openSync(this.#unsorted, 'a', 0o600);
    writeSync(this.#fd, `${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}
