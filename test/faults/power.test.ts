import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeLimits } from '../../src/transfer/limits.js';
import { LEASE_NAME as LEASE } from '../../src/transfer/names.js';
import { Ledger } from '../../src/transfer/ledger.js';
import type { PassKind } from '../../src/transfer/types.js';
import { output } from '../support/commands.js';
import type { Mounted } from '../support/mounts.js';
import { killTree, pauseTree } from '../support/process-tree.js';
import { changeMailTree, makeMailTree, type MailTree } from '../support/trees/mail-tree.js';
import { manifest } from '../support/trees/manifest.js';
import { newSeed, Random } from '../support/trees/random.js';
import { cloneTree, endOf, makeSides, runPassOf, startPass, torn, unequal, type Sides } from './engine-scenario.js';
import { cutPower, makeExt4Image, mountExt4Image, type Ext4Image } from './ext4-image.js';
import { leadingRows } from './ledger-rows.js';
import { oldFile } from './small-tree.js';

/*
 * What this does not show: a disk, a controller or a file server whose cache lies, which loses what it has confirmed or
 * writes in another order. The copy of the image holds everything that the file system has handed to its disk, in order.
 * Nor does it show a folder that was not synced where a later file was: ext4 writes names in the order in which they came,
 * all with the next sync. That no row comes before a folder's sync is proved where syncs fail, in errno.test.ts.
 */

const MIB = 2 ** 20;
const FILES = 700;
/** Power cuts while a pass runs; one more comes when it has ended. */
const CUTS = 4;
const FIVE_MINUTES = 300_000;

const seed = newSeed();
let folder: string;
let at: string;
let image: Ext4Image;
let mounts: Mounted[];
let sides: Sides;
let tree: MailTree;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-power-'));
  at = join(folder, 'at');
  mkdirSync(at);
  image = makeExt4Image(join(folder, 'image'), 128 * MIB, at);
  mounts = [image];
  sides = makeSides(folder);
  tree = makeMailTree(sides.source, { seed, files: FILES, filesPerFolder: 35 });
  // folders that are not filled beside their places, names of one file, and more than one write
  linkSync(join(sides.source, tree.path(0)), join(sides.source, 'another name'));
  oldFile(join(sides.source, 'domain-0.test/several writes'), Buffer.alloc(3 * MIB, 'power '));
});
afterEach(async () => {
  for (const mount of mounts) await mount.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Puts sides onto the image: what is there is subject to the power cut. */
function onto(...which: readonly ('destination' | 'ledger')[]): void {
  for (const side of which) mkdirSync(join(at, side));
  sides = { ...sides, ...Object.fromEntries(which.map((side) => [side, join(at, side)])) };
}

/** What is left of a moment: the image as the power cut leaves it, and the ledger where it is on another disk. */
interface Cut {
  readonly image: string;
  readonly ledger: string;
  readonly after: boolean;
}

async function cut(number: number, pid: number | undefined): Promise<Cut> {
  const copies = { image: join(folder, `cut-${number}`), ledger: join(folder, `ledger-${number}`) };
  const resume = pid === undefined ? (): void => undefined : await pauseTree(pid);
  try {
    await cutPower(image, copies.image);
    cloneTree(sides.ledger, copies.ledger);
  } finally {
    resume();
  }
  return { ...copies, after: pid === undefined };
}

/** Carries out a pass and cuts the power at some moments of it, and once it has ended. */
async function cutDuring(kind: PassKind, moment: (cutNumber: number) => Promise<void>): Promise<Cut[]> {
  const cuts: Cut[] = [];
  const pass: ChildProcess = startPass(sides, kind);
  const pid = pass.pid ?? 0;
  try {
    const printed = pass.stdout === null ? Promise.resolve('') : text(pass.stdout);
    const ended = once(pass, 'exit');
    for (let number = 1; number <= CUTS; number += 1) {
      await Promise.race([moment(number), ended]);
      if (pass.exitCode === null) cuts.push(await cut(number, pid));
    }
    await ended;
    expect(endOf(await printed).result?.outcome).toBe('done');
  } finally {
    killTree(pid);
  }
  // a pass that is over before the first moment has proved nothing
  expect(cuts.length).toBeGreaterThan(0);
  return [...cuts, await cut(0, undefined)];
}

/** Comes up again after each cut: what is wrong then, and after another pass. */
async function wrongAfter(
  cuts: readonly Cut[],
  earlier: ReturnType<typeof manifest>,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  await image.close();
  const wrong: string[] = [];
  for (const { image: copy, ledger, after } of cuts) {
    const where = after ? 'after the end' : `at ${copy}`;
    const mounted = mountExt4Image(copy, at);
    mounts.push(mounted);
    if (!sides.ledger.startsWith(at)) cloneTree(ledger, sides.ledger);
    startedAnew();
    for (const path of torn(sides, earlier)) wrong.push(`${where}: torn ${path}`);
    for (const row of await leadingRows(sides)) wrong.push(`${where}: ${row}`);
    // that the lease was given back is not synced: it is no part of the tree, and the next call takes it over
    if (after) for (const line of unequal(sides)) if (!line.includes(LEASE)) wrong.push(`${where}: ${line}`);
    const { result, failed } = await runPassOf(sides, 'delta', env);
    if (result?.outcome !== 'done' || result.skipped > 0) wrong.push(`${where}: ${failed ?? JSON.stringify(result)}`);
    for (const line of unequal(sides)) wrong.push(`${where}: ${line}`);
    await mounted.close();
    rmSync(copy);
  }
  return wrong;
}

/** A machine that comes up again is another boot; this one is not. */
function startedAnew(): void {
  const ledger = Ledger.open(sides.ledger, hostname());
  ledger.amend({ boot: 'the one before' });
  ledger.commit();
  void ledger.close();
}

/** Waits until the image holds so many more files. */
async function grown(by: number): Promise<void> {
  const used = (): number => {
    const { files, ffree } = statfsSync(at);
    return files - ffree;
  };
  const wanted = used() + by;
  while (used() < wanted) await sleep(2);
}

describe('a power cut', () => {
  it.each<[string, readonly ('destination' | 'ledger')[], Readonly<Record<string, string>>]>([
    ['at the destination', ['destination'], {}],
    // only a new boot makes the database mistrust what was not synced, and this one is none
    ['at destination and ledger', ['destination', 'ledger'], { LMDB_RESTORE: 'safe' }],
  ])(
    '%s leaves whole files, no row without its file, and a copy that the next call completes',
    async (_, onImage, env) => {
      onto(...onImage);
      const random = new Random(seed);
      const empty = manifest(sides.destination);
      Object.assign(process.env, env);
      try {
        const seeding = await cutDuring('seed', () => grown(random.between(20, (FILES / CUTS) * 0.8)));
        expect(await wrongAfter(seeding, empty, env)).toEqual([]);
      } finally {
        for (const name of Object.keys(env)) Reflect.deleteProperty(process.env, name);
      }
    },
    FIVE_MINUTES,
  );

  it(
    'among changes, moves and deletions loses none of what was there before, and the next call completes the copy',
    async () => {
      onto('destination');
      expect((await runPassOf(sides, 'seed')).result?.outcome).toBe('done');
      const earlier = manifest(sides.destination);
      changeMailTree(tree, { seed, changed: 60, added: 60, removed: 60, renamed: 60 });
      output('rm', ['-r', '--', join(sides.source, 'domain-0.test/user-1')]);
      const random = new Random(seed);
      // so that it lasts for the moments, however fast the machine is
      await writeLimits(sides.ledger, { files: 100 });
      const cuts = await cutDuring('delta', async (number) => {
        // the lease is the first thing that a pass writes
        for (let look = 0; number === 1 && look < 5_000 && !existsSync(join(sides.destination, LEASE)); look += 1) {
          await sleep(2);
        }
        await sleep(random.between(20, 300));
      });
      expect(await wrongAfter(cuts, earlier, {})).toEqual([]);
    },
    FIVE_MINUTES,
  );
});
