import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { PassKind } from '../../src/transfer/types.js';
import { mountSmallDisk, type Mounted } from '../support/mounts.js';
import { manifest } from '../support/trees/manifest.js';
import { cloneTree, endOf, makeSides, passCommand, runPassOf, torn, unequal, type Sides } from './engine-scenario.js';
import { spread, type Change } from './points.js';
import { changeSmallTree, makeSmallTree } from './small-tree.js';
import { killAt, traceChanges } from './strace.js';

/** How many calls of a pass are tried; all of them with POINTS=all. */
const POINTS = process.env['POINTS'] === 'all' ? Infinity : Number(process.env['POINTS'] ?? 20);
const FIVE_MINUTES = 300_000;

let folder: string;
let disk: Mounted;
let sides: Sides;

// in memory: what is asked is what a kill leaves, and a disk would only take its time
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-kill-'));
  disk = mountSmallDisk(folder, {});
  sides = makeSides(folder);
  makeSmallTree(sides.source);
});
afterAll(async () => {
  await disk.close();
  rmSync(folder, { recursive: true, force: true });
});

const saved = (name: string): string => join(folder, `saved-${name}`);

function reset(): void {
  cloneTree(saved('destination'), sides.destination);
  cloneTree(saved('ledger'), sides.ledger);
}

/** Kills a pass before each of some of its calls, and says what is wrong afterwards. */
async function sweep(kind: PassKind, pick: (changes: readonly Change[]) => readonly Change[]): Promise<string[]> {
  cloneTree(sides.destination, saved('destination'));
  cloneTree(sides.ledger, saved('ledger'));
  const before = manifest(sides.destination);
  const traced = await traceChanges(passCommand(sides, kind), [sides.destination, sides.ledger]);
  expect({ exitCode: traced.exitCode, ...endOf(traced.stdout) }).toMatchObject({
    exitCode: 0,
    result: { outcome: 'done' },
  });
  expect(unequal(sides)).toEqual([]);
  const wrong: string[] = [];
  let hits = 0;
  for (const { point, call, text } of pick(traced.changes)) {
    reset();
    const { hit } = await killAt(passCommand(sides, kind), point);
    if (hit !== undefined) hits += 1;
    const where = `killed before ${(hit ?? call + text).slice(0, 160)}`;
    for (const path of torn(sides, before)) wrong.push(`${where}: torn ${path}`);
    const { result, failed } = await runPassOf(sides, kind);
    if (result?.outcome !== 'done' || result.skipped > 0) wrong.push(`${where}: ${failed ?? JSON.stringify(result)}`);
    for (const line of unequal(sides)) wrong.push(`${where}: ${line}`);
  }
  // a run that comes to its end before the call asked for has proved nothing
  expect(hits).toBeGreaterThan(0);
  return wrong;
}

const some = (changes: readonly Change[]): Change[] =>
  spread(
    changes.filter(({ exact }) => exact),
    POINTS,
  );

describe('a copy that is killed', () => {
  it(
    'is completed by the next call, wherever it was in a first pass',
    async () => {
      expect(await sweep('seed', some)).toEqual([]);
    },
    FIVE_MINUTES,
  );

  it(
    'is completed by the next call, wherever it was among changes, moves and deletions',
    async () => {
      reset();
      expect((await runPassOf(sides, 'seed')).result?.outcome).toBe('done');
      changeSmallTree(sides.source);
      expect(await sweep('delta', some)).toEqual([]);
    },
    FIVE_MINUTES,
  );
});
