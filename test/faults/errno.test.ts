import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import type { PassKind } from '../../src/transfer/types.js';
import { mountSmallDisk, type Mounted } from '../support/mounts.js';
import { manifest } from '../support/trees/manifest.js';
import { newSeed, Random } from '../support/trees/random.js';
import {
  cloneTree,
  endOf,
  eventsOf,
  makeSides,
  passCommand,
  runPassOf,
  skippedIn,
  torn,
  unequal,
  type Sides,
} from './engine-scenario.js';
import { leadingRows, rowsOf } from './ledger-rows.js';
import { spread, type Change } from './points.js';
import { changeSmallTree, makeSmallTree } from './small-tree.js';
import { failAt, failFrom, traceChanges, type Errno } from './strace.js';
import type { LoggedCall } from './strace-log.js';

/** How many calls of a pass are tried; all of them with POINTS=all. */
const POINTS = process.env['POINTS'] === 'all' ? Infinity : Number(process.env['POINTS'] ?? 10);
const FIVE_MINUTES = 300_000;
/** A full destination is looked at again soon. */
const SOON = { TRY_EVERY: '200' };
const ERRORS: readonly Errno[] = ['EIO', 'ENOSPC', 'ESTALE', 'EXDEV'];
/** Calls by which a file comes to its place, or is thrown away. */
const OF_FILES = ['openat', 'unlink', 'fsync', 'rename'];

const seed = newSeed();
let folder: string;
let disk: Mounted;
let sides: Sides;

// in memory: strace's errors are met all the same, and a disk would only take its time
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-errno-'));
  disk = mountSmallDisk(folder, {});
  sides = makeSides(folder);
  makeSmallTree(sides.source);
  save('empty');
  expect((await runPassOf(sides, 'seed')).result?.outcome).toBe('done');
  save('seeded');
  cloneTree(sides.source, saved('empty', 'source'));
  changeSmallTree(sides.source);
  writeFileSync(join(sides.source, 'mixed/c'), 'changed as well');
  utimesSync(join(sides.source, 'mixed/a'), 1_650_000_000.5, 1_650_000_000.5);
  chmodSync(join(sides.source, 'other/c'), 0o600);
  cloneTree(sides.source, saved('seeded', 'source'));
});
afterAll(async () => {
  await disk.close();
  rmSync(folder, { recursive: true, force: true });
});

type State = 'empty' | 'seeded';
const saved = (state: State, side: string): string => join(folder, `saved-${state}-${side}`);

function save(state: State): void {
  for (const side of ['destination', 'ledger'] as const) cloneTree(sides[side], saved(state, side));
}

/** Source, destination and ledger as they are before the first pass, or before the second. */
function reset(state: State): void {
  for (const side of ['source', 'destination', 'ledger'] as const) cloneTree(saved(state, side), sides[side]);
}

/** The calls of an undisturbed pass that change something in a folder and can be met again. */
async function changesOf(state: State, where: string): Promise<Change[]> {
  reset(state);
  const traced = await traceChanges(passCommand(sides, kindOf(state)), [where]);
  expect(endOf(traced.stdout).result?.outcome).toBe('done');
  reset(state);
  return traced.changes.filter(({ exact }) => exact);
}

const kindOf = (state: State): PassKind => (state === 'empty' ? 'seed' : 'delta');

/** The call of a pass that a pattern fits. Which thread makes it, and whether it can be met again, differs by run. */
async function callOf(state: State, pattern: RegExp): Promise<Change> {
  for (let run = 0; run < 5; run += 1) {
    const found = (await changesOf(state, sides.destination)).find(({ call, text }) => pattern.test(call + text));
    if (found !== undefined) return found;
  }
  throw new Error(`no call like ${pattern.source}`);
}

/** What is wrong after a pass that met an error: now, and after another pass. */
async function wrongAfter(state: State, stdout: string, ofLedger = false): Promise<string[]> {
  const { result, failed } = endOf(stdout);
  const wrong: string[] = [];
  // the database may take the process with it: whoever started it tells that it died, and that it can be run again
  const died = ofLedger && failed === undefined;
  if (result === undefined && !died && !/^[A-Z_]+$/.test(failed ?? ''))
    wrong.push(`it ended with ${failed ?? 'nothing'}`);
  for (const path of torn(sides, manifest(saved(state, 'destination')))) wrong.push(`torn ${path}`);
  for (const row of await leadingRows(sides)) wrong.push(row);
  const next = await runPassOf(sides, 'delta');
  if (next.result?.outcome !== 'done' || next.result.skipped > 0) {
    wrong.push(`the next pass: ${JSON.stringify([next, skippedIn(sides.ledger)])}`);
  }
  return [...wrong, ...unequal(sides)];
}

/** Lets each of some calls fail in a pass of its own, and says what is wrong afterwards. */
async function sweep(state: State, changes: readonly Change[], errors: readonly Errno[]): Promise<string[]> {
  const random = new Random(seed);
  const wrong: string[] = [];
  let hits = 0;
  for (const { point, call, text } of changes) {
    reset(state);
    const errno = errors[random.between(0, errors.length - 1)] ?? 'EIO';
    const { hit, stdout } = await failAt(passCommand(sides, kindOf(state), SOON), point, errno);
    // counted calls of a thread are not always the same ones: what wakes the runtime's threads is no call of ours
    if (hit !== undefined && /<(anon_inode|pipe|socket):/.test(hit)) continue;
    if (hit !== undefined) hits += 1;
    const where = `${errno} from ${(hit ?? call + text).slice(0, 160)}`;
    const ofLedger = (hit ?? text).includes('/ledger.mdb');
    for (const line of await wrongAfter(state, stdout, ofLedger)) wrong.push(`${where}: ${line}`);
  }
  // a run that comes to its end before the call asked for has proved nothing
  expect(hits).toBeGreaterThan(changes.length / 2);
  return wrong;
}

describe('a call that fails once', () => {
  it.each<State>(['empty', 'seeded'])(
    'at the destination leaves nothing torn, and the next pass completes the copy (%s)',
    async (state) => {
      expect(await sweep(state, spread(await changesOf(state, sides.destination), POINTS), ERRORS)).toEqual([]);
    },
    FIVE_MINUTES,
  );

  it(
    'at the ledger leaves nothing torn, and the next pass completes the copy',
    async () => {
      const changes = await changesOf('seeded', sides.ledger);
      expect(await sweep('seeded', spread(changes, POINTS / 2), ['EIO', 'ENOSPC'])).toEqual([]);
    },
    FIVE_MINUTES,
  );
});

/** A call's path: that of its descriptor, or the one it names, as its last component. */
function namesIn({ text }: LoggedCall): string[] {
  return [...text.matchAll(/<([^>]*)>|"([^"]*)"/g)].map(([, annotated, quoted]) => basename(annotated ?? quoted ?? ''));
}

describe('a file whose sync fails once', () => {
  const cases: readonly (readonly [string, State, RegExp])[] = [
    ['a temporary file', 'empty', /^fsync\(.*\/mixed\/\.iw~\w+\.0\.\w+>\)/],
    ['a file of a folder that is filled beside its place', 'empty', /^fsync\(.*\.d\w+\/b>\)/],
    ['a file that replaces another', 'seeded', /^fsync\(.*\/mixed\/\.iw~\w+\.0\.\w+>\)/],
  ];

  it.each(cases)('is thrown away, never synced again, and copied anew: %s', async (_, state, pattern) => {
    const { point } = await callOf(state, pattern);
    const {
      hit,
      stdout,
      calls = [],
    } = await failAt(passCommand(sides, kindOf(state), SOON), point, 'EIO', { also: OF_FILES });
    expect(hit).toMatch(/EIO .*\(INJECTED\)/);
    const failed = calls.findIndex(({ text }) => text.includes('(INJECTED)'));
    const [name = ''] = namesIn(calls[failed] as LoggedCall);
    const since = calls.slice(failed + 1).filter((call) => namesIn(call).includes(name));
    // what comes first is its end; whatever is synced under the name afterwards was made anew
    expect(since[0]?.call).toBe('unlink');
    const synced = since.findIndex(({ call }) => call === 'fsync');
    const made = since.findIndex(({ call, text }) => call === 'openat' && text.includes('O_EXCL'));
    if (synced >= 0) expect({ made: made >= 0, before: made < synced }).toEqual({ made: true, before: true });
    expect(endOf(stdout).result).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(await leadingRows(sides)).toEqual([]);
    expect(unequal(sides)).toEqual([]);
  });

  it('has no row, nor any other file after it, while syncs go on failing', async () => {
    const { point } = await callOf('empty', /^fsync\(.*\/mixed\/\.iw~\w+\.0\.\w+>\)/);
    // threads do not always come to the same call at the same count: until it is one of that folder
    let hit: string | undefined;
    for (let attempt = 0; attempt < 5 && !/\/mixed\/\.iw~.*\(INJECTED\)/.test(hit ?? ''); attempt += 1) {
      reset('empty');
      ({ hit } = await failFrom(passCommand(sides, 'seed'), point, 'EIO', 12));
    }
    expect(hit).toMatch(/\/mixed\/\.iw~.*\(INJECTED\)/);
    const known = (await rowsOf(sides.ledger)).map(({ path }) => path);
    expect(known.filter((path) => path.startsWith('mixed/') || path.startsWith('other/'))).toEqual([]);
    expect(known).toContain('top');
    expect(await wrongAfter('empty', '{"failed":"KILLED"}')).toEqual([]);
  });
});

describe('a folder whose sync fails', () => {
  const OF_MIXED = /^fsync\(\d+<[^>]*\/destination\/mixed>\)/;

  it('once leaves its rows open until it has been written again', async () => {
    const { point } = await callOf('seeded', OF_MIXED);
    const { hit, stdout } = await failAt(passCommand(sides, 'delta', SOON), point, 'EIO');
    expect(hit).toMatch(/mixed>\).*\(INJECTED\)/);
    expect(endOf(stdout).result).toMatchObject({ outcome: 'done' });
    expect(skippedIn(sides.ledger)).toEqual([]);
    expect(await wrongAfter('seeded', stdout)).toEqual([]);
  });

  it('after a deletion forgets the file all the same when a folder has taken its place', async () => {
    const changes = await changesOf('seeded', sides.destination);
    const unlinked = changes.findIndex(({ call, text }) => call === 'unlink' && text.includes('/top"'));
    const synced = changes.slice(unlinked).find(({ call }) => call === 'fsync');
    // an error that is not tried again
    const { hit, stdout } = await failAt(
      passCommand(sides, 'delta', SOON),
      synced?.point ?? { call: '', nth: 0 },
      'EXDEV',
    );
    expect(hit).toMatch(/destination>\).*\(INJECTED\)/);
    expect(skippedIn(sides.ledger)).toMatchObject([{ path: 'top', reason: 'FAILED' }]);
    expect(await wrongAfter('seeded', stdout)).toEqual([]);
  });

  it('for ever is given no row of what was written in it, and the next call completes the copy', async () => {
    const { point } = await callOf('seeded', OF_MIXED);
    const { hit } = await failFrom(passCommand(sides, 'delta'), point, 'EIO', 8);
    expect(hit).toMatch(/mixed>\).*\(INJECTED\)/);
    expect((await rowsOf(sides.ledger)).map(({ path }) => path)).not.toContain('mixed/new');
    expect(await wrongAfter('seeded', '{"failed":"KILLED"}')).toEqual([]);
  });
});

describe('a destination that goes on failing', () => {
  it('counts as away until it works again, and then the pass goes on', async () => {
    const { point } = await callOf('empty', /^fsync\(.*\/mixed\/\.iw~\w+\.0\.\w+>\)/);
    const command = passCommand(sides, 'seed', { TRY_EVERY: '1500' });
    const { hit, stdout } = await failAt(command, point, 'EIO', { times: 22 });
    expect(hit).toMatch(/\(INJECTED\)/);
    const waited = eventsOf(stdout).flatMap(({ progress }) => progress?.waits ?? []);
    expect(waited[0]).toBe('the destination does not answer (EIO)');
    expect(endOf(stdout).result).toMatchObject({ outcome: 'done', skipped: 0 });
    expect(unequal(sides)).toEqual([]);
  });
});

describe('a rename across file systems', () => {
  it('is listed and nothing is written in place, and the next call completes the copy', async () => {
    const { point } = await callOf('empty', /^rename\("\/proc\/self\/fd\/\d+\/\.iw~\w+\.0\.\w+", ".*\/c"/);
    const {
      hit,
      stdout,
      calls = [],
    } = await failAt(passCommand(sides, 'seed', SOON), point, 'EXDEV', { also: OF_FILES });
    expect(hit).toMatch(/EXDEV .*\(INJECTED\)/);
    const name = namesIn(calls.find(({ text }) => text.includes('(INJECTED)')) as LoggedCall)[1] ?? '';
    expect(endOf(stdout).result).toMatchObject({ outcome: 'done', skipped: 1 });
    const [listed] = skippedIn(sides.ledger);
    expect(listed).toMatchObject({ path: expect.stringMatching(`/${name}$`), reason: 'FAILED', detail: 'EXDEV' });
    const there = join(sides.destination, listed?.path ?? '');
    expect(calls.filter(({ call, text }) => call === 'openat' && text.includes(`<${there}>`))).toEqual([]);
    expect(lstatSync(there, { throwIfNoEntry: false })).toBeUndefined();
    expect(readdirSync(join(there, '..')).filter((other) => other.startsWith('.iw~'))).toEqual([]);
    expect(await wrongAfter('empty', stdout)).toEqual([]);
  });

  it('of a file that replaces another leaves the earlier one whole', async () => {
    const { point } = await callOf('seeded', /^rename\("\/proc\/self\/fd\/\d+\/\.iw~\w+\.0\.\w+", ".*\/c"/);
    const before = manifest(sides.destination).get('mixed/c');
    const { hit, stdout } = await failAt(passCommand(sides, 'delta', SOON), point, 'EXDEV');
    expect(hit).toMatch(/EXDEV .*\(INJECTED\)/);
    expect(skippedIn(sides.ledger)).toEqual([{ path: 'mixed/c', reason: 'FAILED', detail: 'EXDEV' }]);
    expect(manifest(sides.destination).get('mixed/c')).toEqual(before);
    expect(await wrongAfter('seeded', stdout)).toEqual([]);
  });
});

describe('a file that may not be written', () => {
  it('is skipped and listed with its reason, and the next call copies it', async () => {
    const { point } = await callOf('empty', /^openat\(.*\.d\w+\/b>/);
    const { hit, stdout } = await failAt(passCommand(sides, 'seed', SOON), point, 'EACCES');
    expect(hit).toMatch(/EACCES .*\(INJECTED\)/);
    expect(endOf(stdout).result).toMatchObject({ outcome: 'done', skipped: 1 });
    expect(skippedIn(sides.ledger)).toMatchObject([{ reason: 'DENIED', detail: 'EACCES' }]);
    expect(await wrongAfter('empty', stdout)).toEqual([]);
  });

  it('makes the command end with exit code 3', async () => {
    reset('empty');
    const program = join(import.meta.dirname, '../../src/client.js');
    const args = ['transfer', 'copy', sides.source, sides.destination, '--ledger', sides.ledger];
    // only the copying threads give links an owner
    const { hit, exitCode, stdout, stderr } = await failAt(
      { file: process.execPath, args: [program, ...args] },
      { call: 'lchown', nth: 1 },
      'EPERM',
    );
    expect(hit).toMatch(/EPERM .*\(INJECTED\)/);
    expect({ exitCode, said: stdout + stderr }).toMatchObject({
      exitCode: 3,
      said: expect.stringContaining('skipped'),
    });
    expect(skippedIn(sides.ledger)).toEqual([{ path: 'leaf/link', reason: 'DENIED', detail: 'EPERM' }]);
    expect(await wrongAfter('empty', '{"failed":"SKIPPED"}')).toEqual([]);
  });
});

beforeEach(() => {
  reset('empty');
});
