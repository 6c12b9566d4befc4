import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { runEngine, type RunOptions } from '../../src/transfer/run.js';
import type { PassResult, ReverseOptions } from '../../src/transfer/types.js';
import { Trees } from './trees.js';

/** A tree that is moved, used on the share and brought back. */
export class WayBack extends Trees {
  /** Files and links of the old tree, as they were before the last way back. */
  #before = new Map<string, string>();

  /** The tree is moved: from now on the share is the one that is used. */
  async moved(): Promise<void> {
    await this.pass('seed');
    const { outcome, why } = await this.pass('final');
    if (outcome !== 'done') throw new Error(why);
  }

  async back(options: Partial<ReverseOptions> = {}, run: RunOptions = {}): Promise<PassResult> {
    const { ledger, source, destination } = this;
    this.#before = filesIn(source);
    const all = { ledger, source, destination, quarantine: this.in('quarantine'), ...options };
    return (await runEngine({ task: 'reverse', options: all }, run)) as PassResult;
  }

  /** What is in the quarantine. */
  kept(): Map<string, string> {
    return filesIn(this.in('quarantine'));
  }

  /** Files that were in the old tree and are now neither there nor, under their names, in the quarantine. */
  lost(from: ReadonlyMap<string, string> = this.#before): string[] {
    const [now, quarantine] = [filesIn(this.source), this.kept()];
    const isKept = (path: string, content: string): boolean =>
      [...quarantine].some(
        ([other, bytes]) => bytes === content && (other === path || other.replaceAll(/~\d+(?=\/|$)/g, '') === path),
      );
    return [...from]
      .filter(([path, content]) => now.get(path) !== content && !isKept(path, content))
      .map(([path]) => path);
  }

  /** The same for names of one file: kept under any of them is kept. */
  lostUnderAnyName(): string[] {
    const contents = new Set([...this.kept().values(), ...filesIn(this.source).values()]);
    return [...this.#before].filter(([, content]) => !contents.has(content)).map(([path]) => path);
  }

  /** Writes a file on the share, as a mail server would. */
  write(path: string, content: string): void {
    mkdirSync(join(this.to(path), '..'), { recursive: true });
    writeFileSync(this.to(path), content);
  }
}

/** What is below a folder: paths of files and links with what is in them, a character per byte. */
export function filesIn(root: string): Map<string, string> {
  const entries = existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : [];
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((path) => [relative(root, path), contentOf(path)]));
}

function contentOf(path: string): string {
  return lstatSync(path).isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, 'latin1');
}
