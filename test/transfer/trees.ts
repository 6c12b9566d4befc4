import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { runEngine, type RunOptions } from '../../src/transfer/run.js';
import type { PassKind, PassOptions, PassResult, Skipped } from '../../src/transfer/types.js';
import { differences, manifest } from '../support/trees/manifest.js';
import type { ByteName } from '../support/trees/names.js';
import { rsyncDifferences } from '../support/trees/rsync-differences.js';
import { removeTree } from '../support/trees/wicked-tree.js';

/** How copies reach the destination: by blocking threads, as on a local disk, or by lanes, as on a share. */
export const WAYS = [
  ['threads', false],
  ['lanes', true],
] as const;

/** Seconds since 1970: a time that no file of a test gets by itself. */
export const OLD = 1_600_000_000;

/** A source, a destination and a ledger in a temporary folder. */
export class Trees {
  readonly source: string;
  readonly destination: string;
  readonly ledger: string;

  /**
   * @param lanes lanes instead of threads
   * @param base folder on the file system to be tried
   */
  constructor(
    readonly lanes: boolean,
    base = tmpdir(),
  ) {
    this.home = mkdtempSync(join(base, 'icewarp-rollout-engine-'));
    [this.source, this.destination, this.ledger] = [this.in('source'), this.in('destination'), this.in('ledger')];
    mkdirSync(this.source);
    mkdirSync(this.destination);
  }

  readonly home: string;

  in(name: string): string {
    return join(this.home, name);
  }

  /** A path in the source. */
  from(path: string): string {
    return join(this.source, path);
  }

  /** A path in the destination. */
  to(path: string): string {
    return join(this.destination, path);
  }

  /** Makes files in the source, old enough to be no racy ones, each with its path as content. */
  make(...paths: string[]): void {
    for (const path of paths) {
      mkdirSync(dirname(this.from(path)), { recursive: true });
      writeFileSync(this.from(path), `content of ${path}`);
      utimesSync(this.from(path), OLD, OLD);
    }
  }

  /** Puts content into a file of the source, in place, and gives it back its time: only its ctime tells. */
  rewrite(path: string, content: string): void {
    const { atime, mtime } = lstatSync(this.from(path));
    writeFileSync(this.from(path), content);
    utimesSync(this.from(path), atime, mtime);
  }

  /** Removes a path of the source. */
  removeFrom(path: string): void {
    rmSync(this.from(path), { recursive: true });
  }

  /** Carries out a pass. */
  async pass(kind: PassKind, options: Partial<PassOptions> = {}, run: RunOptions = {}): Promise<PassResult> {
    const { source, destination, ledger, lanes } = this;
    const task = { task: 'copy', options: { source, destination, ledger, kind, lanes, ...options } } as const;
    return (await runEngine(task, run)) as PassResult;
  }

  /** What the last pass could not carry: path and reason. */
  listed({ skippedFile }: PassResult): string[] {
    if (skippedFile === undefined) return [];
    const lines = readFileSync(skippedFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Skipped).map(({ path, reason }) => `${path}: ${reason}`);
  }

  /** How the trees differ, by two independent ways; empty when they do not. */
  different(without: readonly ByteName[] = []): string[] {
    const lines = differences(manifest(this.source), manifest(this.destination), { without });
    const [a, b] = [lstatSync(this.source, { bigint: true }), lstatSync(this.destination, { bigint: true })];
    if (a.mtimeNs !== b.mtimeNs || a.mode !== b.mode || a.uid !== b.uid) lines.push('the root');
    const isOut = (line: string): boolean =>
      without.some((path) => line.slice(12).split(' -> ')[0]?.replace(/\/$/, '') === path);
    return [...lines, ...rsyncDifferences(this.source, this.destination).filter((line) => !isOut(line))];
  }

  remove(): void {
    removeTree(this.home);
  }
}
