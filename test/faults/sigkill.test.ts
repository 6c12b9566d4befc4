import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { appendFileSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeLimits } from '../../src/transfer/limits.js';
import { runEngine } from '../../src/transfer/run.js';
import type { PassKind, PassResult } from '../../src/transfer/types.js';
import type { SmallDisk } from '../support/mounts.js';
import { signal } from '../support/process-tree.js';
import { manifest, type Manifest } from '../support/trees/manifest.js';
import { newSeed, Random } from '../support/trees/random.js';
import { skippedIn, torn, unequal, type Sides } from './engine-scenario.js';
import { foldersOf, leadingRows, rowsOf } from './ledger-rows.js';
import { makeMailScene, type MailScene } from './mail-scene.js';
import { oldFile } from './small-tree.js';

const FILES = 6_000;
const KILLS = { seed: 14, delta: 6 };
/** What a kill may cost at most: so many files, or this share of the bytes (resume). */
const AGAIN = { files: 512, share: 0.01 };
const FIVE_MINUTES = 300_000;

const seed = newSeed();
const random = new Random(seed);
let scene: MailScene;
let disk: SmallDisk;
let sides: Sides;

beforeAll(() => {
  scene = makeMailScene('sigkill', seed, FILES);
  ({ disk, sides } = scene);
  oldFile(join(sides.source, 'domain-0.test/several writes'), Buffer.alloc(3_000_000, 'killed '));
});
afterAll(() => scene.remove());

function copy(kind: PassKind, lanes: boolean, onStart: (pid: number) => void = () => undefined): Promise<PassResult> {
  const { source, destination, ledger } = sides;
  return runEngine(
    { task: 'copy', options: { source, destination, ledger, kind, lanes } },
    { onStart: ({ pid }) => onStart(pid) },
  ) as Promise<PassResult>;
}

/** Runs the engine and kills it at a moment. @returns false when it had ended before. */
async function killed(kind: PassKind, lanes: boolean, moment: () => Promise<void>): Promise<boolean> {
  let started = (_pid: number): void => undefined;
  const pid = new Promise<number>((resolve) => (started = resolve));
  const ended = copy(kind, lanes, started).then(
    () => false,
    (error: unknown) => (error as { code?: string }).code === 'ENGINE_DIED',
  );
  await Promise.race([pid.then(moment), ended]);
  signal(await pid, 'SIGKILL');
  return ended;
}

/** Waits until so many more files are there. */
async function grown(by: number): Promise<void> {
  const wanted = disk.count() + by;
  const end = Date.now() + 60_000;
  while (disk.count() < wanted && Date.now() < end) await sleep(1);
}

const inodeOf = (place: string): number | undefined =>
  lstatSync(join(sides.destination, place), { throwIfNoEntry: false })?.ino;

/** Whole copies under their final names that no row knows: they are copied again. Their paths in the source. */
async function unknownFiles(before: Manifest): Promise<string[]> {
  const known = new Set((await rowsOf(sides.ledger)).map(({ path }) => path));
  const stages = new Map((await foldersOf(sides.ledger)).map(({ path, place }) => [place, path]));
  const wanted = manifest(sides.source, { hash: false });
  const unknown: string[] = [];
  for (const [place, { type, size, mtime }] of manifest(sides.destination, { hash: false })) {
    const path = join(stages.get(dirname(place)) ?? dirname(place), basename(place));
    const isCopy = type === 'f' && wanted.get(path)?.size === size && wanted.get(path)?.mtime === mtime;
    if (isCopy && !known.has(path) && before.get(path)?.mtime !== mtime) unknown.push(path);
  }
  return unknown;
}

/** What is wrong after a kill, but that the copy is not complete. */
async function wrongAfterKill(where: string, contents: Manifest): Promise<string[]> {
  return [
    ...torn(sides, contents).map((path) => `${where}: torn ${path}`),
    ...(await leadingRows(sides)).map((row) => `${where}: ${row}`),
  ];
}

/** What users do to files just after a kill: names change, files go, and others grow. */
function change(paths: readonly string[], changed: Set<string> = new Set()): void {
  for (const [index, path] of paths.entries()) {
    changed.add(path);
    const file = join(sides.source, path);
    if (index % 3 === 0) renameSync(file, `${file}.seen`);
    else if (index % 3 === 1) rmSync(file);
    else appendFileSync(file, 'more');
  }
}

describe('a copy that is killed again and again', () => {
  it(
    'of a tree in use loses little each time and nothing that was noted, and ends complete',
    async () => {
      const wrong: string[] = [];
      const contents = manifest(sides.source);
      const costs: number[] = [];
      /** Inode of each file when it was noted first: one that is copied again gets another. */
      const noted = new Map<string, number | undefined>();
      let unknown: string[] = [];
      const changed = new Set<string>();
      for (let kill = 1; kill <= KILLS.seed; kill += 1) {
        const where = `kill ${kill}`;
        const [by, then, lanes] = [random.between(0, 200), random.between(0, 10), random.between(0, 1) === 1];
        const wasKilled = await killed('seed', lanes, async () => {
          await grown(by);
          await sleep(then);
        });
        // a run that comes to its end has proved nothing
        if (!wasKilled) wrong.push(`${where}: it had ended before`);
        wrong.push(...(await wrongAfterKill(where, contents)));
        for (const { path, place } of await rowsOf(sides.ledger)) {
          const inode = inodeOf(place) ?? inodeOf(path);
          if (!noted.has(path)) noted.set(path, inode);
          else if (noted.get(path) !== inode) wrong.push(`${where}: ${path} was copied again`);
        }
        const former = new Set(unknown);
        unknown = await unknownFiles(new Map());
        // Lanes are for slow shares: here, where calls are fast, 64 of them are at work on as many units at once.
        if (!lanes) costs.push(unknown.filter((path) => !former.has(path)).length);
        // each once: what is torn is told by its content, before and after
        change(unknown.filter((path) => contents.has(path) && !changed.has(path)).slice(0, 6), changed);
      }
      expect(wrong).toEqual([]);
      // files have one size here, so a share of the files is one of the bytes
      expect(Math.max(...costs)).toBeLessThanOrEqual(Math.max(AGAIN.files, AGAIN.share * FILES));
      expect(noted.size).toBeGreaterThan(100);
      const result = await copy('seed', false);
      expect(result).toMatchObject({ outcome: 'done' });
      expect(skippedIn(sides.ledger)).toEqual([]);
      expect(result.copied.files).toBeLessThanOrEqual(FILES + 1 - noted.size);
      expect([...noted].filter(([path, inode]) => inodeOf(path) !== inode)).toEqual([]);
      expect(unequal(sides)).toEqual([]);
    },
    FIVE_MINUTES,
  );

  it(
    'among changes, moves and deletions loses nothing either, and ends complete',
    async () => {
      const earlier = manifest(sides.destination);
      changeTree();
      // so that it lasts
      await writeLimits(sides.ledger, { files: 800 });
      const wrong: string[] = [];
      let kills = 0;
      for (let kill = 1; kill <= KILLS.delta; kill += 1) {
        const [after, lanes] = [random.between(300, 1_000), random.between(0, 1) === 1];
        if (await killed('delta', lanes, () => sleep(after))) kills += 1;
        wrong.push(...(await wrongAfterKill(`kill ${kill}`, earlier)));
      }
      expect(wrong).toEqual([]);
      expect(kills).toBeGreaterThan(KILLS.delta / 2);
      await writeLimits(sides.ledger, {});
      expect(await copy('delta', false)).toMatchObject({ outcome: 'done' });
      expect(skippedIn(sides.ledger)).toEqual([]);
      expect(unequal(sides)).toEqual([]);
    },
    FIVE_MINUTES,
  );
});

/** Changes, removes and renames files that are in the tree now, and adds others. */
function changeTree(): void {
  const files = [...manifest(sides.source, { hash: false })]
    .filter(([, { type }]) => type === 'f')
    .map(([path]) => path);
  const some = Array.from({ length: 1_500 }, () => files.splice(random.between(0, files.length - 1), 1)[0] ?? '');
  change(some);
  for (const path of some.slice(0, 500)) {
    writeFileSync(join(sides.source, dirname(path), `new ${basename(path)}`), `new ${path}`);
  }
}
