import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writeLimits } from '../../src/transfer/limits.js';
import { runEngine } from '../../src/transfer/run.js';
import type { PassKind, PassOptions, PassResult } from '../../src/transfer/types.js';
import { eventually } from '../support/eventually.js';
import { mountSmallDisk, type Mounted } from '../support/mounts.js';
import { killTree } from '../support/process-tree.js';
import { differences, manifest } from '../support/trees/manifest.js';
import {
  cloneTree,
  endOf,
  makeSides,
  passCommand,
  runPassOf,
  skippedIn,
  startPass,
  torn,
  unequal,
  type PassEvent,
  type Sides,
} from './engine-scenario.js';
import { makeExt4Image } from './ext4-image.js';
import { leadingRows } from './ledger-rows.js';
import { changeSmallTree, makeSmallTree, oldFile } from './small-tree.js';
import type { Change } from './points.js';
import { pauseAfter, traceChanges } from './strace.js';

const MIB = 2 ** 20;
const TWO_MINUTES = 120_000;

let folder: string;
let mounts: Mounted[];
let sides: Sides;
let outside: string;

// in memory: a disk would only take its time
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-interference-'));
  mounts = [mountSmallDisk(folder, {})];
  sides = makeSides(folder);
  outside = join(folder, 'outside');
  mkdirSync(outside);
});
afterEach(async () => {
  for (const mount of mounts.reverse()) await mount.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Carries out a pass, and something else in the middle of it: after the first call that a pattern fits. */
async function passWith(kind: PassKind, pattern: RegExp, meanwhile: () => void): Promise<PassEvent> {
  const saved = { destination: join(folder, 'saved-destination'), ledger: join(folder, 'saved-ledger') };
  for (const side of ['destination', 'ledger'] as const) cloneTree(sides[side], saved[side]);
  let found: Change | undefined;
  // which thread makes the call, and whether it can be met again, differs by run
  for (let run = 0; run < 5 && found === undefined; run += 1) {
    const { changes } = await traceChanges(passCommand(sides, kind), [sides.destination]);
    const fitting = changes.filter(({ call, text }) => pattern.test(call + text));
    // after the last of several nothing would be left to be done
    found = fitting.find(({ exact }, at) => exact && (at === 0 || at < fitting.length - 1));
    for (const side of ['destination', 'ledger'] as const) cloneTree(saved[side], sides[side]);
  }
  if (found === undefined) throw new Error(`no call like ${pattern.source}`);
  let [done, failure] = [false, undefined as unknown];
  const { stdout, hit } = await pauseAfter(passCommand(sides, kind), found.point, () => {
    try {
      meanwhile();
      done = true;
    } catch (error) {
      failure = error;
    }
  });
  expect({ hit, done, failure }).toEqual({ hit: expect.stringMatching(pattern), done: true, failure: undefined });
  return endOf(stdout);
}

/** Files at the destination with that content. */
function copiesOf(content: string): string[] {
  const entries = readdirSync(sides.destination, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path, 'utf8') === content);
}

/** The next call ends complete. */
async function completes(): Promise<void> {
  expect(await leadingRows(sides)).toEqual([]);
  const { result, failed } = await runPassOf(sides, 'delta');
  expect({ outcome: result?.outcome, failed, skipped: skippedIn(sides.ledger) }).toEqual({
    outcome: 'done',
    failed: undefined,
    skipped: [],
  });
  expect(unequal(sides)).toEqual([]);
}

/** One of several files of a folder has got its name. */
const INTO_MIXED = /^rename\("\/proc\/self\/fd\/\d+\/\.iw~\w+\.0\.\w+", "\/proc\/self\/fd\/\d+\/new-\d"\)/;

/** What was copied once, with more files in a folder that is there. */
async function seededAndMore(): Promise<void> {
  makeSmallTree(sides.source);
  expect((await runPassOf(sides, 'seed')).result?.outcome).toBe('done');
  // so many that one of them is found by its number
  for (let number = 1; number <= 8; number += 1) oldFile(join(sides.source, `mixed/new-${number}`), `file ${number}`);
}

describe('between two files', () => {
  it('a source folder that becomes a link neither harms nor brings in what is outside, and back in its place is copied', async () => {
    await seededAndMore();
    const [mixed, away] = [join(sides.source, 'mixed'), join(folder, 'away')];
    for (let number = 1; number <= 8; number += 1) oldFile(join(outside, `new-${number}`), 'outside');
    const before = manifest(outside);
    await passWith('delta', INTO_MIXED, () => {
      renameSync(mixed, away);
      symlinkSync(outside, mixed);
    });
    expect(differences(before, manifest(outside))).toEqual([]);
    expect(copiesOf('outside')).toEqual([]);
    // nor does a pass that finds the link there
    await runPassOf(sides, 'delta');
    expect(copiesOf('outside')).toEqual([]);
    rmSync(mixed);
    renameSync(away, mixed);
    await completes();
  });

  it('a destination folder that becomes a link leads nothing out of the root', async () => {
    await seededAndMore();
    const [mixed, away] = [join(sides.destination, 'mixed'), join(folder, 'away')];
    const { result } = await passWith('delta', INTO_MIXED, () => {
      renameSync(mixed, away);
      symlinkSync(outside, mixed);
    });
    expect(result?.outcome).toBe('done');
    expect(readdirSync(outside)).toEqual([]);
    // nor does a pass that finds the link there
    oldFile(join(sides.source, 'mixed/later'), 'later');
    const next = await runPassOf(sides, 'delta');
    expect(next.result?.skipped).toBeGreaterThan(0);
    expect(readdirSync(outside)).toEqual([]);
    expect(lstatSync(mixed).isSymbolicLink()).toBe(true);
    rmSync(mixed);
    renameSync(away, mixed);
    await completes();
  });

  it('a destination folder that is removed is made again, and what it held is copied by the next call', async () => {
    await seededAndMore();
    const { result } = await passWith('delta', INTO_MIXED, () => {
      rmSync(join(sides.destination, 'mixed'), { recursive: true });
    });
    expect(result?.outcome).toBe('done');
    expect(torn(sides)).toEqual([]);
    await completes();
  });
});

describe('among deletions', () => {
  it('a file that comes back is kept, and copied when it is another one', async () => {
    makeSmallTree(sides.source);
    expect((await runPassOf(sides, 'seed')).result?.outcome).toBe('done');
    changeSmallTree(sides.source);
    const back = join(sides.source, 'gone/deep');
    const { result } = await passWith('delta', /^unlink\("\/proc\/self\/fd\/\d+\/a"\)/, () => {
      mkdirSync(back, { recursive: true });
      oldFile(join(back, 'b'), 'deep b');
      writeFileSync(join(back, 'c'), 'another one');
    });
    expect(result?.outcome).toBe('done');
    for (const name of ['b', 'c']) {
      expect(readFileSync(join(sides.destination, 'gone/deep', name), 'utf8')).toBe(`deep ${name}`);
    }
    await completes();
  });
});

describe('an inode that is used again', () => {
  it('is neither taken for the file that had it, nor for its new name', async () => {
    // in memory each file has a number of its own
    const image = makeExt4Image(join(folder, 'image'), 64 * MIB, sides.source);
    mounts.push(image);
    const at = (name: string): string => join(sides.source, 'inbox', name);
    mkdirSync(join(sides.source, 'inbox'));
    rmSync(join(sides.source, 'lost+found'), { recursive: true });
    for (const name of ['a', 'b', 'c']) oldFile(at(name), `content of ${name}`);
    expect((await runPassOf(sides, 'seed')).result?.outcome).toBe('done');
    const inode = (name: string): number => lstatSync(at(name)).ino;
    const former = { a: inode('a'), b: inode('b') };
    rmSync(at('a'));
    oldFile(at('a'), 'content of x');
    rmSync(at('b'));
    oldFile(at('z'), 'content of y');
    // what the test is about: ext4 gives away the lowest number that is free
    expect({ a: inode('a'), b: inode('z') }).toEqual(former);
    await completes();
    expect(readFileSync(join(sides.destination, 'inbox/z'), 'utf8')).toBe('content of y');
  });
});

describe('a large file', () => {
  it(
    'goes on, after a kill, behind what was durable',
    async () => {
      const chunk = 64 * MIB;
      const size = 2 * chunk + 40 * MIB;
      const file = Buffer.alloc(size);
      for (let at = 0; at < size; at += 4_096) file.writeUInt32LE(at / 4_096 + 1, at);
      oldFile(join(sides.source, 'large'), file);
      // the last part lasts for seconds
      await writeLimits(sides.ledger, { bytes: 8 * MIB });
      const killed = startPass(sides, 'seed');
      const written = (): number => {
        const temps = readdirSync(sides.destination).filter((name) => name.startsWith('.iw~'));
        return Math.max(0, ...temps.map((name) => lstatSync(join(sides.destination, name)).size));
      };
      try {
        await eventually('the first two parts are written', async () => {
          // parts are taken one by one: the limit is lifted until the last one
          await writeLimits(sides.ledger, written() > chunk ? { bytes: 8 * MIB } : {});
          return written() > 2 * chunk;
        });
      } finally {
        killTree(killed.pid ?? 0);
      }
      await eventually('it is gone', () => killed.signalCode !== null || killed.exitCode !== null);
      await writeLimits(sides.ledger, {});
      const { stdout, changes } = await traceChanges(passCommand(sides, 'seed'), [sides.destination]);
      expect(endOf(stdout).result).toMatchObject({ outcome: 'done', copied: { files: 1 }, skipped: 0 });
      const offsets = changes.flatMap(({ call, text }) => {
        const [, offset] = /, (\d+)\) += \d+$/.exec(text) ?? [];
        return call === 'pwrite64' && offset !== undefined ? [Number(offset)] : [];
      });
      // each byte is read just before it is written
      expect(Math.min(...offsets)).toBe(2 * chunk);
      expect(unequal(sides)).toEqual([]);
    },
    TWO_MINUTES,
  );
});

describe('a backup that was restored', () => {
  async function pass(kind: PassKind, options: Partial<PassOptions> = {}): Promise<PassResult> {
    const { source, destination, ledger } = sides;
    const task = { task: 'copy', options: { source, destination, ledger, kind, ...options } } as const;
    return (await runEngine(task)) as PassResult;
  }

  async function twoPasses(side: 'destination' | 'ledger'): Promise<void> {
    makeSmallTree(sides.source);
    await pass('seed');
    cloneTree(sides[side], join(folder, 'backup'));
    for (const name of ['new', 'newer']) oldFile(join(sides.source, 'mixed', name), `${name} file`);
    await pass('delta');
    cloneTree(join(folder, 'backup'), sides[side]);
  }

  it.each([
    ['ledger', 'LEDGER_OLDER'],
    ['destination', 'DESTINATION_OLDER'],
  ] as const)('of the %s is noticed before anything is written, and a new ledger goes on', async (side, code) => {
    await twoPasses(side);
    const before = manifest(sides.destination);
    await expect(pass('delta')).rejects.toMatchObject({ code });
    expect(differences(before, manifest(sides.destination))).toEqual([]);
    expect(await pass('delta', { adopt: true })).toMatchObject({ outcome: 'done', deleted: 0 });
    expect(skippedIn(sides.ledger)).toEqual([]);
    await completes();
  });
});
