import { closeSync, chownSync, fchownSync, futimesSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes many files for one owner, as fast as they can be written: nothing is made durable. */
export class FileWriter {
  private readonly made = new Set<string>();

  /** @param owner uid and gid of all that is written */
  constructor(private readonly owner: number) {}

  /** @param time of its last change, in milliseconds since 1970; without it now */
  write(path: string, data: Buffer, time?: number): void {
    this.folder(dirname(path));
    const file = openSync(path, 'wx', 0o600);
    try {
      writeSync(file, data);
      fchownSync(file, this.owner, this.owner);
      if (time !== undefined) futimesSync(file, time / 1000, time / 1000);
    } finally {
      closeSync(file);
    }
  }

  /** Makes a folder and those above it that are not there yet. */
  folder(path: string): void {
    if (this.made.has(path)) return;
    const first = mkdirSync(path, { recursive: true, mode: 0o700 });
    // what was there keeps its owner
    if (first !== undefined) {
      for (let part = path; part.startsWith(first); part = dirname(part)) chownSync(part, this.owner, this.owner);
    }
    this.made.add(path);
  }
}
