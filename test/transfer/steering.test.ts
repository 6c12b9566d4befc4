import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { EngineControl } from '../../src/transfer/run.js';
import type { Progress } from '../../src/transfer/types.js';
import { makeMailTree } from '../support/trees/mail-tree.js';
import { newSeed } from '../support/trees/random.js';
import { Trees, WAYS } from './trees.js';

const seed = newSeed();

describe.each(WAYS)('a pass, by %s', (_, lanes) => {
  let trees: Trees;

  beforeEach(() => {
    trees = new Trees(lanes);
  });
  afterEach(() => {
    trees.remove();
  });

  function limit(limits: object): void {
    mkdirSync(trees.ledger, { recursive: true });
    writeFileSync(join(trees.ledger, 'limits.json'), JSON.stringify(limits));
  }

  it('copies a folder of 5,000 files', async () => {
    makeMailTree(trees.source, { seed, files: 5_000, filesPerFolder: 5_000, bytes: 100 });
    expect(await trees.pass('seed')).toMatchObject({ outcome: 'done', copied: { files: 5_000, bytes: 500_000 } });
    expect(trees.different()).toEqual([]);
  });

  it.each([
    ['files', { files: 60 }],
    ['bytes', { bytes: 60_000 }],
  ])('keeps to a limit of %s per second', async (_what, limits) => {
    makeMailTree(trees.source, { seed, files: 300, filesPerFolder: 50, bytes: 1_000 });
    limit(limits);
    const began = Date.now();
    expect(await trees.pass('seed')).toMatchObject({ copied: { files: 300 } });
    const took = Date.now() - began;
    expect(took).toBeGreaterThan(3_000);
    expect(took).toBeLessThan(20_000);
  });

  it('pauses, says so, and goes on', async () => {
    // so many folders that not all of them are at work at once, however many lanes there are
    makeMailTree(trees.source, { seed, files: 2_000, filesPerFolder: 20, bytes: 1_000 });
    limit({ files: 500 });
    const heard: Progress[] = [];
    let control: EngineControl | undefined;
    const pass = trees.pass('seed', {}, { onProgress: (one) => heard.push(one), onStart: (one) => (control = one) });
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) await Promise.race([sleep(20), pass.then(() => Promise.reject(new Error('it ended')))]);
    };
    await until(() => (heard.at(-1)?.copied.files ?? 0) > 0);
    control?.pause();
    await until(() => heard.at(-1)?.waits === 'paused');
    // what was begun ends
    const quiet = (): boolean =>
      heard.length > 2 && heard.slice(-3).every(({ copied }) => copied.files === heard.at(-1)?.copied.files);
    await until(quiet);
    const { files } = heard.at(-1)?.copied ?? { files: 0 };
    await sleep(1_500);
    expect(heard.at(-1)?.copied.files).toBe(files);
    expect(files).toBeLessThan(2_000);
    control?.resume();
    expect(await pass).toMatchObject({ outcome: 'done', copied: { files: 2_000 } });
    expect(trees.different()).toEqual([]);
  }, 60_000);

  it('that was stopped goes on without reading again what is durable', async () => {
    makeMailTree(trees.source, { seed, files: 1_600, filesPerFolder: 20, bytes: 1_000 });
    limit({ files: 400 });
    const controller = new AbortController();
    let durable = 0;
    const onProgress = ({ copied }: Progress): void => {
      durable = copied.files;
      if (durable > 0) controller.abort(new Error('stopped'));
    };
    await expect(trees.pass('seed', {}, { signal: controller.signal, onProgress })).rejects.toThrow('stopped');
    limit({});
    expect(durable).toBeLessThan(1_600);
    const { copied, outcome } = await trees.pass('seed');
    expect(outcome).toBe('done');
    expect(copied.files).toBeLessThanOrEqual(1_600 - durable);
    expect(copied.files).toBeGreaterThan(0);
    expect(trees.different()).toEqual([]);
    expect(await trees.pass('delta')).toMatchObject({ copied: { files: 0 }, unchanged: 1_600 });
  }, 60_000);
});
