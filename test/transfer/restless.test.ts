import { mkdirSync, readdirSync } from 'node:fs';

import { afterEach, describe, expect, it } from '@jest/globals';

import { makeMailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { Trees, WAYS } from './trees.js';
import { Writer } from './writer.js';

const seed = newSeed();
let trees: Trees;

afterEach(() => {
  trees.remove();
});

describe.each(WAYS)('a source that changes while it is copied, by %s', (_, lanes) => {
  it('is followed, and copied as it is once it is quiet', async () => {
    trees = new Trees(lanes);
    mkdirSync(trees.from('empty'));
    makeMailTree(trees.source, { seed, files: 400, filesPerFolder: 20 });
    const writer = await Writer.start(trees.source, 'everything', seed);
    try {
      for (const kind of ['seed', 'delta', 'delta', 'final'] as const) {
        const result = await trees.pass(kind);
        expect(trees.listed(result).filter((line) => !/: CHANGED$/.test(line))).toEqual([]);
      }
    } finally {
      await writer.stop();
    }
    const result = await trees.pass('delta');
    expect(result).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
    expect(await trees.pass('final')).toMatchObject({ outcome: 'done', copied: { files: 0 }, moved: 0, deleted: 0 });
    expect(readdirSync(trees.destination, { recursive: true }).filter((name) => String(name).includes('.iw~'))).toEqual(
      [],
    );
  }, 60_000);
});
