import { cpSync, existsSync, linkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { writeLimits } from '../../src/transfer/limits.js';
import { changeMailTree, makeMailTree } from '../support/trees/mail-tree.js';
import { SENTINEL } from '../support/trees/manifest.js';
import { newSeed } from '../support/trees/random.js';
import { filesIn, WayBack } from './way-back.js';

const seed = newSeed();
let trees: WayBack;

beforeEach(() => {
  trees = new WayBack(false);
});
afterEach(() => {
  trees.remove();
});

describe('a way back', () => {
  it('goes no faster than the ledger’s limits let it', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `a/${index}`);
    trees.make(...names);
    await trees.moved();
    for (const name of names) trees.write(name, 'changed');
    await writeLimits(trees.ledger, { files: 15 });
    const result = await trees.back();
    expect(result.copied.files).toBe(names.length);
    expect(result.seconds).toBeGreaterThan(1.5);
  });

  it('that is killed goes on, loses nothing and leaves nothing of its own', async () => {
    const tree = makeMailTree(trees.source, { seed, files: 400, filesPerFolder: 40 });
    trees.make('a/first', 'b/x');
    linkSync(trees.from('a/first'), trees.from('b/second'));
    await trees.moved();
    changeMailTree({ ...tree, root: trees.destination }, { seed, renamed: 40, changed: 60, added: 30, removed: 40 });
    writeFileSync(trees.to('a/first'), 'changed under both names');
    await writeLimits(trees.ledger, { files: 150 });
    const original = filesIn(trees.source);
    let kills = 0;
    for (const after of [1, 15, 25, 35]) {
      let pid = 0;
      const ended = trees.back({}, { onStart: (control) => (pid = control.pid) }).then(
        () => 'done',
        () => 'killed',
      );
      const begun = trees.kept().size;
      for (let look = 0; look < 5_000 && trees.kept().size < begun + after; look += 1) {
        if ((await Promise.race([ended, sleep(2)])) !== undefined) break;
      }
      if ((await Promise.race([ended, sleep(0)])) === undefined) process.kill(-pid, 'SIGKILL');
      if ((await ended) === 'killed') kills += 1;
      expect(trees.lost(original)).toEqual([]);
    }
    expect(kills).toBeGreaterThan(1);
    await writeLimits(trees.ledger, {});
    expect(await trees.back()).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(trees.different()).toEqual([]);
    expect(trees.lost(original)).toEqual([]);
    expect([...filesIn(trees.source).keys()].filter((path) => path.includes('.iw~'))).toEqual([]);
  }, 120_000);
});

describe('the way back is refused', () => {
  beforeEach(() => {
    trees.make('a/one', 'b/two');
  });

  it('before a final pass, and after a pass that came after it', async () => {
    await trees.pass('seed');
    await expect(trees.back()).rejects.toMatchObject({ code: 'NO_FINAL_PASS' });
    await trees.pass('final');
    await trees.pass('delta');
    await expect(trees.back()).rejects.toMatchObject({ code: 'NO_FINAL_PASS' });
  });

  it('from a share that is not mounted, is another one, or was restored from a snapshot', async () => {
    await trees.pass('seed');
    cpSync(trees.destination, trees.in('snapshot'), { recursive: true });
    // a pass that finds nothing to write leaves no newer mark
    trees.make('b/three');
    await trees.pass('final');
    await expect(trees.back({ destination: trees.in('snapshot') })).rejects.toMatchObject({
      code: 'DESTINATION_OLDER',
    });
    rmSync(trees.in('snapshot/a'), { recursive: true });
    rmSync(join(trees.in('snapshot'), SENTINEL));
    await expect(trees.back({ destination: trees.in('snapshot') })).rejects.toMatchObject({
      code: 'DESTINATION_OTHER',
    });
    writeFileSync(join(trees.in('snapshot'), SENTINEL), '{"uuid":"other","generation":1}');
    await expect(trees.back({ destination: trees.in('snapshot') })).rejects.toMatchObject({
      code: 'DESTINATION_OTHER',
    });
    expect(existsSync(trees.from('a/one'))).toBe(true);
  });

  it('with a quarantine in the old tree, unless it is left out by name', async () => {
    await trees.moved();
    trees.write('a/one', 'changed');
    const quarantine = trees.from('.kept');
    await expect(trees.back({ quarantine, exclude: ['/other'] })).rejects.toMatchObject({ code: 'USAGE' });
    expect(await trees.back({ quarantine, exclude: ['/.kept'] })).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(filesIn(quarantine).get('a/one')).toBe('content of a/one');
  });

  it('with a quarantine inside a tree, or on another file system than the old one', async () => {
    await trees.moved();
    for (const quarantine of [trees.from('q'), trees.to('q'), '/dev/shm/icewarp-rollout-quarantine']) {
      await expect(trees.back({ quarantine })).rejects.toMatchObject({ code: 'USAGE' });
      expect(existsSync(quarantine)).toBe(false);
    }
  });
});
