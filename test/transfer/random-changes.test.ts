import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { newSeed } from '../support/trees/random.js';
import { Trees, WAYS } from './trees.js';

const seed = newSeed();
const NAMES = ['a', 'b', 'c', 'd\u00e9'];

/** One change of a tree: which items are meant is counted round among those that there are. */
interface Change {
  readonly what:
    | 'create'
    | 'old file'
    | 'append'
    | 'rewrite'
    | 'chmod'
    | 'remove'
    | 'rename'
    | 'link'
    | 'symlink'
    | 'mkdir'
    | 'rmdir';
  readonly item: number;
  readonly folder: number;
  readonly name: string;
  readonly content: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  what: fc.constantFrom(
    'create',
    'old file',
    'append',
    'rewrite',
    'chmod',
    'remove',
    'rename',
    'rename',
    'link',
    'symlink',
    'mkdir',
    'rmdir',
  ),
  item: fc.nat(50),
  folder: fc.nat(50),
  name: fc.constantFrom(...NAMES),
  content: fc.string({ maxLength: 6 }),
});
/** Changes with passes between them. */
const story = fc.array(fc.array(change, { minLength: 1, maxLength: 14 }), { minLength: 2, maxLength: 4 });

/** Makes a change, where there is something that it fits. */
function make(trees: Trees, { what, item, folder, name, content }: Change): void {
  const all = readdirSync(trees.source, { recursive: true, withFileTypes: true });
  const files = all.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const folders = [
    trees.source,
    ...all.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name)),
  ];
  const path = join(pick(folders, folder) ?? trees.source, name);
  const file = pick(files, item);
  const old = pick([...files, ...folders.slice(1)], item);
  try {
    if (what === 'create') writeFileSync(path, content);
    else if (what === 'old file') trees.make(relative(trees.source, path));
    else if (what === 'mkdir') mkdirSync(path);
    else if (what === 'symlink') symlinkSync(name, path);
    else if (what === 'rmdir') rmSync(pick(folders.slice(1), folder) ?? path, { recursive: true });
    else if (what === 'rename' && old !== undefined) replace(old, path);
    else if (file === undefined) return;
    else if (what === 'append') appendFileSync(file, content);
    else if (what === 'rewrite') trees.rewrite(relative(trees.source, file), 'x'.repeat(lstatSync(file).size));
    else if (what === 'chmod') chmodSync(file, 0o600 + (item % 64));
    else if (what === 'remove') rmSync(file);
    else if (what === 'link') linkSync(file, path);
  } catch (error) {
    // it does not fit, such as a folder into itself
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
  }
}

/** Renames also over what is of another type. */
function replace(from: string, to: string): void {
  const there = lstatSync(to, { throwIfNoEntry: false });
  if (from === to || `${to}/`.startsWith(`${from}/`) || `${from}/`.startsWith(`${to}/`)) return;
  if (there?.isDirectory() === true) rmdirSync(to);
  else if (there !== undefined) rmSync(to);
  renameSync(from, to);
}

function pick<T>(from: readonly T[], index: number): T | undefined {
  return from[index % Math.max(1, from.length)];
}

describe.each(WAYS)('whatever happens to a tree between passes, by %s', (_, lanes) => {
  it('the next pass makes the copy equal', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (chapters) => {
        const trees = new Trees(lanes);
        try {
          trees.make('a/one', 'a/b/two', 'c');
          await trees.pass('seed');
          for (const changes of chapters) {
            for (const one of changes) make(trees, one);
            expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
            expect(trees.different()).toEqual([]);
          }
        } finally {
          trees.remove();
        }
      }),
      { seed, numRuns: Number(process.env['RUNS'] ?? 6), endOnFailure: process.env['SHRINK'] === undefined },
    );
  }, 120_000);
});
