import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { SENTINEL } from '../support/trees/manifest.js';
import { Trees } from './trees.js';

let trees: Trees;

beforeEach(() => {
  trees = new Trees(false);
  trees.make('a/one', 'b/two');
});
afterEach(() => {
  trees.remove();
});

/** A pass is refused, and the destination is left as it is. */
async function refused(code: string, options: Parameters<Trees['pass']>[1] = {}): Promise<void> {
  const look = (): unknown[] => [readdirSync(trees.destination, { recursive: true }).sort(), sentinel()];
  const before = look();
  trees.make('a/new');
  await expect(trees.pass('delta', options)).rejects.toMatchObject({ code });
  expect(look()).toEqual(before);
}

function sentinel(): string | null {
  return existsSync(trees.to(SENTINEL)) ? readFileSync(trees.to(SENTINEL), 'utf8') : null;
}

describe('a destination', () => {
  it('that holds files and bears no mark is refused by a new ledger', async () => {
    writeFileSync(trees.to('file'), 'theirs');
    await refused('DESTINATION_OTHER');
  });

  it('that has lost its mark is refused', async () => {
    await trees.pass('seed');
    rmSync(trees.to(SENTINEL));
    await refused('DESTINATION_OTHER');
  });

  it('that is empty, as where a share is not mounted, is refused by a ledger that knows of files', async () => {
    await trees.pass('seed');
    renameSync(trees.destination, trees.in('unmounted'));
    mkdirSync(trees.destination);
    await refused('DESTINATION_OTHER');
    rmSync(trees.destination, { recursive: true });
    await expect(trees.pass('delta')).rejects.toMatchObject({ code: 'DESTINATION_OTHER' });
    renameSync(trees.in('unmounted'), trees.destination);
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', copied: { files: 1 } });
    expect(trees.different()).toEqual([]);
  });

  it('of another ledger is refused, also by a new one', async () => {
    await trees.pass('seed');
    await refused('DESTINATION_OTHER', { ledger: trees.in('new ledger') });
    mkdirSync(trees.in('elsewhere'));
    await trees.pass('seed', { ledger: trees.in('other ledger'), destination: trees.in('elsewhere') });
    await refused('DESTINATION_OTHER', { ledger: trees.in('other ledger') });
  });

  it('that was restored from a snapshot is refused', async () => {
    await trees.pass('seed');
    cpSync(trees.destination, trees.in('snapshot'), { recursive: true });
    trees.make('c/three');
    await trees.pass('delta');
    rmSync(trees.destination, { recursive: true });
    renameSync(trees.in('snapshot'), trees.destination);
    await refused('DESTINATION_OLDER');
  });

  it('is refused by a ledger that was restored from a backup', async () => {
    await trees.pass('seed');
    cpSync(trees.ledger, trees.in('backup'), { recursive: true });
    trees.make('c/three');
    await trees.pass('delta');
    rmSync(trees.ledger, { recursive: true });
    renameSync(trees.in('backup'), trees.ledger);
    await refused('LEDGER_OLDER');
  });

  it('inside the source is refused, and a source inside the destination', async () => {
    mkdirSync(trees.from('inner'));
    await refused('USAGE', { destination: trees.from('inner') });
    await refused('USAGE', { destination: trees.home });
    await refused('USAGE', { destination: trees.source });
  });
});

describe('a file that somebody else put there', () => {
  it('is not overwritten, be it one of few new names in a folder that is known or one of many', async () => {
    await trees.pass('seed');
    const many = Array.from({ length: 100 }, (_, index) => `b/new ${index}`);
    trees.make('a/new', 'a/other');
    // younger than the last pass: none of them was perhaps moved here
    for (const path of many) writeFileSync(trees.from(path), `content of ${path}`);
    for (const path of ['a/new', 'b/new 7', 'b/new 99']) writeFileSync(trees.to(path), 'theirs');
    const result = await trees.pass('delta');
    expect(result).toMatchObject({ outcome: 'done', copied: { files: 99 } });
    expect(trees.listed(result)).toEqual(['a/new: FOREIGN', 'b/new 7: FOREIGN', 'b/new 99: FOREIGN']);
    for (const path of ['a/new', 'b/new 7', 'b/new 99']) expect(readFileSync(trees.to(path), 'utf8')).toBe('theirs');
  });
});

describe('a source that is missing', () => {
  it('is refused before anything is taken for deleted', async () => {
    await trees.pass('seed');
    renameSync(trees.source, trees.in('away'));
    await expect(trees.pass('delta')).rejects.toMatchObject({ code: 'SOURCE_MISSING' });
    renameSync(trees.in('away'), trees.source);
    expect(trees.different()).toEqual([]);
  });
});

describe('too many skipped items', () => {
  it('hold the pass before anything is deleted', async () => {
    await trees.pass('seed');
    for (const path of ['a/1', 'a/2', 'b/3']) {
      writeFileSync(trees.to(path), 'theirs');
      trees.make(path);
    }
    rmSync(trees.from('b/two'));
    const held = await trees.pass('delta', { maxSkipped: 2 });
    expect(held).toMatchObject({ outcome: 'held', deleted: 0, skipped: 3 });
    expect(existsSync(trees.to('b/two'))).toBe(true);
    expect(await trees.pass('delta', { maxSkipped: 3 })).toMatchObject({ outcome: 'done', deleted: 1, skipped: 3 });
  });
});
