import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeLimits } from '../../src/transfer/limits.js';
import { runEngine, type RunOptions } from '../../src/transfer/run.js';
import type { PassResult, Progress } from '../../src/transfer/types.js';
import { eventually } from '../support/eventually.js';
import { HungShare } from '../support/hung-share.js';
import { manifest } from '../support/trees/manifest.js';
import { makeSides, skippedIn, torn, unequal, type Sides } from './engine-scenario.js';
import { leadingRows, rowsOf } from './ledger-rows.js';
import { oldFile } from './small-tree.js';

const FILES = 300;
const TWO_MINUTES = 120_000;
/** Milliseconds: what is promised (R23), and what a machine under load may take. */
const GIVEN_UP = { promised: 6_000, tolerated: 9_000 };

let folder: string;
let share: HungShare;
let sides: Sides;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-hung-copy-'));
  share = await HungShare.create();
  sides = { ...makeSides(folder), destination: join(share.mount, 'destination') };
  mkdirSync(sides.destination);
  for (let index = 0; index < FILES; index += 1) {
    const file = join(sides.source, `user-${index % 6}`, `message-${index}`);
    mkdirSync(dirname(file), { recursive: true });
    oldFile(file, `message ${index} `.repeat(50));
    // the share keeps whole seconds
    utimesSync(file, 1_600_000_000, 1_600_000_000);
  }
  settle();
  // so that it lasts
  await writeLimits(sides.ledger, { files: 50 });
});
afterEach(async () => {
  await share.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Gives the folders of the source times that the share keeps. */
function settle(): void {
  for (const name of readdirSync(sides.source)) utimesSync(join(sides.source, name), 1_600_000_000, 1_600_000_000);
}

const path = (index: number): string => join(sides.source, `user-${index % 6}`, `message-${index}`);

/** Starts a pass and answers when it has copied some files. */
async function begun(options: RunOptions = {}): Promise<{ readonly ended: Promise<PassResult> }> {
  const { source, destination, ledger } = sides;
  let seen: Progress | undefined;
  const ended = runEngine(
    { task: 'copy', options: { source, destination, ledger, kind: 'seed' } },
    { ...options, onProgress: (progress) => (seen = progress) },
  ) as Promise<PassResult>;
  await Promise.race([
    eventually('some files are copied', () => (seen?.seen.files ?? 0) > 0),
    ended.then(() => Promise.reject(new Error('it has ended already'))),
  ]);
  return { ended };
}

describe('a share that hangs', () => {
  it(
    'lets a cancelled copy be given up within six seconds, and the next call goes on when it answers again',
    async () => {
      const controller = new AbortController();
      const { ended } = await begun({ signal: controller.signal });
      share.hang();
      // until calls have reached the server: before, SIGKILL would end them
      await sleep(1_000);
      const aborted = Date.now();
      controller.abort(new Error('enough'));
      await expect(ended).rejects.toMatchObject({ code: 'SHARE_HANGS', retryable: true });
      expect(Date.now() - aborted).toBeLessThan(GIVEN_UP.tolerated);
      expect(Date.now() - aborted).toBeGreaterThan(GIVEN_UP.promised / 2);

      // meanwhile users go on: in what was copied, in what was being copied, in what was not
      for (const index of [0, 1, FILES / 2, FILES - 2, FILES - 1]) rmSync(path(index));
      settle();
      await writeLimits(sides.ledger, {});
      const waits: string[] = [];
      const next = again({ onWait: (words) => waits.push(words) });
      await eventually('the next call waits for the process that hangs', () => waits.length > 0);
      share.answer();
      expect(await next).toMatchObject({ outcome: 'done', seen: { files: FILES - 5 } });
      expect(skippedIn(sides.ledger)).toEqual([]);
      expect(unequal(sides)).toEqual([]);
    },
    TWO_MINUTES,
  );

  it(
    'and answers after a while lets the same pass go on, whatever was removed from the source meanwhile',
    async () => {
      const contents = manifest(sides.source);
      const { ended } = await begun();
      share.hang();
      await sleep(1_000);
      for (const index of [0, 1, FILES / 2, FILES - 2, FILES - 1]) rmSync(path(index));
      settle();
      await sleep(1_500);
      const known = (await rowsOf(sides.ledger)).length;
      expect(known).toBeLessThan(FILES);
      share.answer();
      await writeLimits(sides.ledger, {});
      expect(await ended).toMatchObject({ outcome: 'done' });
      expect(torn(sides, contents)).toEqual([]);
      expect(await leadingRows(sides)).toEqual([]);
      expect(await again()).toMatchObject({ outcome: 'done' });
      expect(skippedIn(sides.ledger)).toEqual([]);
      expect(unequal(sides)).toEqual([]);
    },
    TWO_MINUTES,
  );
});

async function again(options: RunOptions = {}): Promise<PassResult> {
  const { source, destination, ledger } = sides;
  return (await runEngine(
    { task: 'copy', options: { source, destination, ledger, kind: 'delta' } },
    options,
  )) as PassResult;
}
