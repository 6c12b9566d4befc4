import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { SENTINEL } from '../support/trees/manifest.js';
import { makeMailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { OLD, Trees, WAYS } from './trees.js';

const seed = newSeed();
let trees: Trees;

afterEach(() => {
  trees.remove();
});

function loseLedger(): void {
  rmSync(trees.ledger, { recursive: true });
}

describe.each(WAYS)('a ledger that is lost, with %s,', (_name, lanes) => {
  beforeEach(() => {
    trees = new Trees(lanes);
  });

  it('is built anew from both sides: a delta then copies nothing, and nothing of the tree has changed', async () => {
    const { files } = makeMailTree(trees.source, { seed, files: 300, filesPerFolder: 30 });
    trees.make('a/one', 'b/two', 'empty/x');
    rmSync(trees.from('empty/x'));
    linkSync(trees.from('a/one'), trees.from('b/one'));
    symlinkSync('../b/two', trees.from('a/link'));
    trees.make('b/large');
    truncateSync(trees.from('b/large'), 65 * 1024 * 1024);
    await trees.pass('seed');
    const inodes = (): bigint[] =>
      ['a/one', 'b/two', 'b/large'].map((path) => lstatSync(trees.to(path), { bigint: true }).ino);
    const before = inodes();
    loseLedger();
    await expect(trees.pass('delta')).rejects.toMatchObject({ code: 'DESTINATION_OTHER' });
    const adopted = await trees.pass('seed', { adopt: true });
    expect(adopted).toMatchObject({ outcome: 'done', copied: { files: 0 }, deleted: 0, skipped: 0, hardLinks: 0 });
    // all, but the further name of a file that was found already
    expect(adopted.adopted).toBe(files + 4);
    expect(inodes()).toEqual(before);
    expect(trees.different()).toEqual([]);
    const delta = await trees.pass('delta');
    expect(delta).toMatchObject({ outcome: 'done', copied: { files: 0 }, unchanged: files + 5, moved: 0, deleted: 0 });
    expect(trees.different()).toEqual([]);
  }, 60_000);

  it('is built anew while both sides differ: what is missing is copied, what differs is listed and left', async () => {
    trees.make('a/same', 'a/changed', 'a/grown', 'b/gone');
    symlinkSync('same', trees.from('a/link'));
    await trees.pass('seed');
    loseLedger();
    trees.rewrite('a/changed', 'CONTENT of a/changed');
    appendFileSync(trees.from('a/grown'), ' more');
    trees.removeFrom('a/link');
    symlinkSync('changed', trees.from('a/link'));
    trees.removeFrom('b');
    trees.make('a/new', 'new/leaf', 'same folder/new');
    mkdirSync(trees.to('same folder'));
    writeFileSync(trees.to('same folder/theirs'), 'theirs');
    const result = await trees.pass('seed', { adopt: true });
    expect(result).toMatchObject({ outcome: 'done', copied: { files: 3 }, adopted: 1, deleted: 0, skipped: 3 });
    expect(trees.listed(result)).toEqual(['a/changed: FOREIGN', 'a/grown: FOREIGN', 'a/link: FOREIGN']);
    expect(readFileSync(trees.to('a/changed'), 'utf8')).toBe('content of a/changed');
    expect(readFileSync(trees.to('a/grown'), 'utf8')).toBe('content of a/grown');
    expect(readFileSync(trees.to('new/leaf'), 'utf8')).toBe('content of new/leaf');
    // nobody knows whose these are
    expect(existsSync(trees.to('b/gone'))).toBe(true);
    expect(existsSync(trees.to('same folder/theirs'))).toBe(true);
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', copied: { files: 0 }, deleted: 0, skipped: 3 });
    expect(existsSync(trees.to('b/gone'))).toBe(true);
  });

  it('and built anew deletes nothing in the first pass after that, which says so, but in the next one', async () => {
    trees.make('a/one', 'a/two', 'b/three');
    await trees.pass('seed');
    loseLedger();
    await trees.pass('seed', { adopt: true });
    trees.removeFrom('b');
    trees.removeFrom('a/two');
    trees.make('a/new');
    const held = await trees.pass('delta');
    expect(held).toMatchObject({ outcome: 'held', copied: { files: 1 }, deleted: 0 });
    expect(held.why).toContain('the ledger was rebuilt');
    expect(existsSync(trees.to('b/three'))).toBe(true);
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', deleted: 2 });
    expect(trees.different()).toEqual([]);
  });
});

describe('the building of a ledger', () => {
  beforeEach(() => {
    trees = new Trees(false);
    trees.make('a/one', 'b/two');
  });

  it('anew is refused for a destination without a mark, and for that of another transfer', async () => {
    await trees.pass('seed');
    const [other, ledger] = [trees.in('other'), trees.in('other ledger')];
    mkdirSync(other);
    await expect(trees.pass('seed', { destination: other, ledger, adopt: true })).rejects.toMatchObject({
      code: 'DESTINATION_OTHER',
    });
    await trees.pass('seed', { destination: other, ledger });
    await expect(trees.pass('delta', { destination: other, adopt: true })).rejects.toMatchObject({
      code: 'DESTINATION_OTHER',
    });
    // the ledger has lost nothing by that
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', unchanged: 2, copied: { files: 0 } });
  });

  it('anew helps where it is damaged, or older than the destination', async () => {
    await trees.pass('seed');
    writeFileSync(`${trees.ledger}/ledger.mdb`, 'no ledger'.repeat(10_000));
    await expect(trees.pass('delta')).rejects.toMatchObject({ code: 'LEDGER_DAMAGED' });
    expect(await trees.pass('delta', { adopt: true })).toMatchObject({ outcome: 'done', adopted: 2 });
    expect(existsSync(`${trees.ledger}/ledger.mdb.damaged`)).toBe(true);
    const mark = JSON.parse(readFileSync(trees.to(SENTINEL), 'utf8')) as { uuid: string; generation: number };
    writeFileSync(trees.to(SENTINEL), JSON.stringify({ ...mark, generation: mark.generation + 7 }));
    await expect(trees.pass('delta')).rejects.toMatchObject({ code: 'LEDGER_OLDER' });
    expect(await trees.pass('delta', { adopt: true })).toMatchObject({ outcome: 'done', adopted: 2 });
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', unchanged: 2 });
  });

  it('gives back to equal files the times and modes of their originals', async () => {
    await trees.pass('seed');
    utimesSync(trees.to('a/one'), OLD + 5, OLD + 5);
    loseLedger();
    await trees.pass('seed', { adopt: true });
    expect(trees.different()).toEqual([]);
  });
});
