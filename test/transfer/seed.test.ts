import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { afterEach, describe, expect, it } from '@jest/globals';

import { differences, manifest } from '../support/trees/manifest.js';
import { shown } from '../support/trees/names.js';
import { newSeed } from '../support/trees/random.js';
import { makeWickedTree } from '../support/trees/wicked-tree.js';
import { Trees, WAYS } from './trees.js';

const seed = newSeed();
const PLACES = [tmpdir(), '/dev/shm'].filter((place) => existsSync(place));
let trees: Trees;

afterEach(() => {
  trees.remove();
});

describe.each(WAYS)('a wicked tree, by %s', (_, lanes) => {
  it.each(PLACES)(
    'is copied whole, and exactly what cannot be carried is listed, on %s',
    async (place) => {
      trees = new Trees(lanes, place);
      const { odd, outside } = await makeWickedTree(trees.source, { seed });
      const result = await trees.pass('seed');
      const far = ['times/9999999999.000000001', 'times/folder 9999999999.000000001'];
      expect(trees.listed(result)).toEqual(
        [
          ...odd.map((path) => `${path}: ODD_TYPE`),
          ...outside.map((path) => `${path}: LINK_OUTSIDE`),
          ...far.map((path) => `${path}: TIME_RANGE`),
        ].sort(),
      );
      expect(trees.different([...odd, ...outside, ...far])).toEqual([]);
      expect(result).toMatchObject({ outcome: 'done', hardLinks: 3, times: 'nanoseconds' });
      const { blocks, size } = lstatSync(trees.to('sizes/sparse'));
      expect(blocks * 512).toBeLessThan(size / 10);

      const again = await trees.pass('delta', {});
      expect(again.copied).toEqual({ files: 0, bytes: 0 });
      expect(trees.listed(again)).toEqual(trees.listed(result));
      expect(trees.different([...odd, ...outside, ...far])).toEqual([]);
    },
    60_000,
  );
});

describe('a tree', () => {
  it('with paths that no system call takes is copied as far as they go, and the rest is listed', async () => {
    trees = new Trees(false);
    const { odd, outside, tooDeep } = await makeWickedTree(trees.source, { seed, large: 0, beyondPathMax: true });
    const result = await trees.pass('seed');
    const listed = trees.listed(result).filter((line) => line.endsWith(': NAME_UNHOLDABLE'));
    expect(listed).toHaveLength(1);
    const first = tooDeep.find((path) => listed[0]?.startsWith(`${shown(path)}:`));
    expect(first?.length).toBeGreaterThan(3_500);
    const far = ['times/9999999999.000000001', 'times/folder 9999999999.000000001'];
    const without = [...odd, ...outside, ...far, first ?? ''];
    expect(differences(manifest(trees.source), manifest(trees.destination), { without })).toEqual([]);
    // it says nothing of what was there before
    writeFileSync(trees.from('for a moment'), 'x');
    await trees.pass('delta');
    expect(existsSync(trees.to('for a moment'))).toBe(true);
    trees.removeFrom('for a moment');
    expect(await trees.pass('delta')).toMatchObject({ outcome: 'done', deleted: 1 });
  }, 60_000);

  it('whose root is reached through a link is copied with the attributes of the root itself', async () => {
    trees = new Trees(false);
    writeFileSync(trees.from('file'), 'content');
    symlinkSync(trees.source, trees.in('link'));
    await trees.pass('seed', { source: trees.in('link') });
    expect(trees.different()).toEqual([]);
  });

  it('is given to the owner that is asked for', async () => {
    trees = new Trees(false);
    mkdirSync(trees.from('folder'));
    writeFileSync(trees.from('folder/file'), 'content');
    symlinkSync('file', trees.from('folder/link'));
    await trees.pass('seed', { owner: { uid: 1_234, gid: 4_321 } });
    for (const path of ['', 'folder', 'folder/file', 'folder/link']) {
      const { uid, gid } = lstatSync(trees.to(path));
      expect([path, uid, gid]).toEqual([path, 1_234, 4_321]);
    }
  });

  it('leaves out what matches a pattern, with all that is below it', async () => {
    trees = new Trees(false);
    for (const path of ['a', 'a/cache', 'a/cache/deep', 'b']) mkdirSync(trees.from(path));
    for (const path of ['a/x.tmp', 'a/y.imap', 'a/cache/deep/z', 'b/x.tmp']) writeFileSync(trees.from(path), path);
    await trees.pass('seed', { exclude: ['*.tmp', 'a/cache'] });
    expect(readdirSync(trees.destination, { recursive: true }).sort()).toEqual([
      '.icewarp-rollout-transfer',
      'a',
      'a/y.imap',
      'b',
    ]);
    expect(readFileSync(trees.to('a/y.imap'), 'utf8')).toBe('a/y.imap');
  });

  it('whose names begin like those of our temporary files keeps them, and they are listed', async () => {
    trees = new Trees(false);
    trees.make('a/one', 'a/.iw~notes', '.iw~folder/two', 'a/.iw~0123abcd.1.2', '.icewarp-rollout-transfer.txt');
    const result = await trees.pass('seed');
    expect(result).toMatchObject({ outcome: 'done', copied: { files: 1 }, skipped: 4 });
    expect(trees.listed(result)).toEqual([
      '.icewarp-rollout-transfer.txt: NAME_UNHOLDABLE',
      '.iw~folder: NAME_UNHOLDABLE',
      'a/.iw~0123abcd.1.2: NAME_UNHOLDABLE',
      'a/.iw~notes: NAME_UNHOLDABLE',
    ]);
    expect(existsSync(trees.to('a/.iw~notes'))).toBe(false);
    expect(await trees.pass('final', { exclude: ['.iw~*'] })).toMatchObject({ outcome: 'done', skipped: 1 });
    // after a way back such a file can be of ours: what a kill left
    mkdirSync(`${trees.ledger}/reverse`);
    const lines = trees.listed(await trees.pass('delta'));
    expect(lines).not.toContain('a/.iw~0123abcd.1.2: NAME_UNHOLDABLE');
    expect(lines).toHaveLength(3);
  });

  it('gets into a folder that somebody made in the place of a new one meanwhile, and theirs stays', async () => {
    trees = new Trees(false);
    trees.make('a/one', 'b/same', 'b/two');
    mkdirSync(trees.from('pipe'));
    writeFileSync(trees.from('pipe/.iw~x'), '');
    expect(await trees.pass('seed', { maxSkipped: 0 })).toMatchObject({ outcome: 'held' });
    // one unit of work, and several of which some have ended by then
    const many = Array.from({ length: 200 }, (_, index) => `d/${index}`);
    trees.make('c/same', 'c/three', ...many);
    for (const folder of ['c', 'd']) mkdirSync(trees.to(folder));
    for (const path of ['c/same', 'd/7']) writeFileSync(trees.to(path), 'theirs');
    const result = await trees.pass('seed');
    expect(result.kind).toBe('seed');
    expect(trees.listed(result)).toContain('d: FOREIGN');
    const next = await trees.pass('delta');
    expect(trees.listed(next)).toEqual(['c/same: FOREIGN', 'd/7: FOREIGN', 'pipe/.iw~x: NAME_UNHOLDABLE']);
    expect(readdirSync(trees.to('d'))).toHaveLength(many.length);
    expect(readFileSync(trees.to('d/7'), 'utf8')).toBe('theirs');
    expect(readFileSync(trees.to('c/same'), 'utf8')).toBe('theirs');
    expect(readFileSync(trees.to('c/three'), 'utf8')).toBe('content of c/three');
    expect(readdirSync(trees.destination).filter((name) => name.startsWith('.iw~'))).toEqual([]);
  });
});
