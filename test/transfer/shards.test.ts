import { rmSync, writeFileSync } from 'node:fs';

import { afterEach, describe, expect, it } from '@jest/globals';

import { changeMailTree, makeMailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { Trees } from './trees.js';

const seed = newSeed();
let trees: Trees;

afterEach(() => {
  trees.remove();
});

describe('a pass', () => {
  it('in shards is the same as a whole one', async () => {
    trees = new Trees(false);
    const tree = makeMailTree(trees.source, { seed, files: 400, filesPerFolder: 10 });
    trees.make('in the root', 'domain-0.test/a file');
    const shards = [
      { only: [''], shallow: true },
      { only: ['domain-0.test'], shallow: true },
      { only: ['domain-0.test/user-0', 'domain-0.test/user-1', 'domain-0.test/user-2'] },
      { only: ['domain-0.test/user-3', 'domain-0.test/user-4', 'domain-0.test/user-5', 'domain-0.test/user-6'] },
      { only: ['domain-0.test/user-7'] },
    ];
    let copied = 0;
    for (const shard of shards) {
      const result = await trees.pass('seed', shard);
      // also of a later shard: what it copies is new, none of it was moved
      expect(result).toMatchObject({ kind: 'seed', moved: 0 });
      copied += result.copied.files;
    }
    expect(copied).toBe(402);
    expect(trees.different()).toEqual([]);
    changeMailTree(tree, { seed, changed: 9, added: 8, removed: 7, renamed: 6 });
    rmSync(trees.from('in the root'));
    trees.removeFrom('domain-0.test/user-7/inbox');
    let [moved, deleted] = [0, 0];
    for (const shard of shards) {
      const result = await trees.pass('delta', shard);
      [moved, deleted] = [moved + result.moved, deleted + result.deleted];
    }
    expect(moved).toBeGreaterThan(3);
    expect(deleted).toBeGreaterThan(7);
    expect(trees.different()).toEqual([]);
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done', copied: { files: 0 }, moved: 0, deleted: 0 });
  }, 60_000);

  it('knows afterwards what shards copied that lie below the same new folders', async () => {
    trees = new Trees(false);
    for (const user of ['ann', 'bob', 'cat', 'dan']) trees.make(`one.test/${user}/inbox/1`);
    for (const only of [['one.test/ann', 'one.test/bob', 'one.test/cat'], ['one.test/dan']]) {
      await trees.pass('seed', { only });
    }
    // between two parts of a copy users go on
    rmSync(trees.from('one.test/ann/inbox/1'));
    writeFileSync(trees.from('one.test/bob/inbox/1'), 'something else');
    const result = await trees.pass('delta');
    expect(result).toMatchObject({ copied: { files: 1 }, deleted: 1, skipped: 0 });
    expect(result.adopted).toBeUndefined();
    expect(trees.different()).toEqual([]);
  }, 60_000);
});
