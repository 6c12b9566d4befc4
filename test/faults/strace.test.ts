import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Change } from './points.js';
import { changesOf, spread } from './points.js';
import { parseLog } from './strace-log.js';
import { failAt, killAt, pauseAfter, traceChanges } from './strace.js';

let folder: string;
let out: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-faults-'));
  out = join(folder, 'out');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const program = (): { file: string; args: string[] } => ({
  file: process.execPath,
  args: [join(import.meta.dirname, 'worker-writes.js'), out],
});

/** The changes of a whole run, whose output is then removed: the beginning of the next run is the same. */
async function changes(): Promise<readonly Change[]> {
  const traced = await traceChanges(program(), [folder]);
  expect(traced).toMatchObject({ exitCode: 0, stdout: 'done\n' });
  rmSync(out, { recursive: true });
  return traced.changes;
}

function nth(all: readonly Change[], call: string, number: number): Change {
  const found = all.filter((change) => change.call === call)[number - 1];
  if (found === undefined) throw new Error(`there is no ${number}. ${call}`);
  return found;
}

const names = (): string[] => readdirSync(out).sort();

describe('a run under strace', () => {
  it('lists what a program changes in a folder, and nothing of what it does elsewhere', async () => {
    const calls = (await changes()).map(({ call }) => call);
    const each = ['openat', 'write', 'fsync', 'rename'];
    expect(calls).toEqual(['mkdir', ...each, ...each, ...each, ...each, ...each, ...each]);
  });

  it('is killed before the call asked for, in the thread that makes it', async () => {
    const all = await changes();
    const third = await killAt(program(), nth(all, 'rename', 3).point);
    expect(third).toMatchObject({ signal: 'SIGKILL', hit: expect.stringContaining('.part-2') });
    expect(names()).toEqual(['.part-2', '0', '1']);
    rmSync(out, { recursive: true });
    // The main thread has opened and written more than that by then.
    const opened = nth(all, 'openat', 4);
    expect(opened).toMatchObject({ exact: true, point: { after: { call: 'rename', nth: 3 }, nth: 1 } });
    expect((await killAt(program(), opened.point)).hit).toContain('.part-3');
    expect(names()).toEqual(['0', '1', '2']);
    rmSync(out, { recursive: true });
    expect((await killAt(program(), nth(all, 'write', 4).point)).hit).toContain('"content"');
    expect(names()).toEqual(['.part-3', '0', '1', '2']);
    expect(readFileSync(join(out, '.part-3'), 'utf8')).toBe('');
  });

  it('is killed with everything that it started', async () => {
    const script = 'setsid sleep 60 & echo $! > child; mkdir a; mkdir b';
    const { hit } = await killAt({ file: 'sh', args: ['-c', script], cwd: folder }, { call: 'mkdir', nth: 1 });
    expect(hit).toContain('"a"');
    const child = readFileSync(join(folder, 'child'), 'utf8').trim();
    const state = existsSync(`/proc/${child}/stat`) ? readFileSync(`/proc/${child}/stat`, 'utf8') : ') Z';
    expect(state).toMatch(/\) [ZX]/);
    expect(readdirSync(folder)).toEqual(['child']);
  });

  it('meets an error once, at the call asked for', async () => {
    const all = await changes();
    const ended = await failAt(program(), nth(all, 'fsync', 2).point, 'EIO');
    expect(ended).toMatchObject({ exitCode: 0, stdout: 'EIO\ndone\n' });
    expect(ended.hit).toMatch(/fsync\(.*part-1.*EIO .*\(INJECTED\)/);
    expect(names()).toEqual(['.part-1', '0']);
    rmSync(out, { recursive: true });
    const full = await failAt(program(), nth(all, 'write', 6).point, 'ENOSPC');
    expect(full.stdout).toBe('ENOSPC\ndone\n');
    expect(names()).toEqual(['.part-5', '0', '1', '2', '3', '4']);
  });

  it('stands after the call asked for, while something else is done', async () => {
    const all = await changes();
    const seen: string[][] = [];
    for (const point of [nth(all, 'rename', 2).point, nth(all, 'openat', 3).point]) {
      const ended = await pauseAfter(program(), point, () => {
        seen.push(names());
        writeFileSync(join(out, 'meanwhile'), '');
      });
      expect(ended).toMatchObject({ exitCode: 0, stdout: 'done\n', hit: expect.any(String) });
      expect(names()).toContain('meanwhile');
      rmSync(out, { recursive: true });
    }
    expect(seen).toEqual([
      ['0', '1'],
      ['.part-2', '0', '1'],
    ]);
  });

  it('says so when the program never comes to the point', async () => {
    const { hit, exitCode } = await killAt(program(), { call: 'rename', nth: 100 });
    expect({ hit, exitCode }).toEqual({ hit: undefined, exitCode: 0 });
    let called = false;
    const point = { call: 'fsync', nth: 1, after: { call: 'rename', nth: 100 } };
    rmSync(out, { recursive: true });
    await pauseAfter(program(), point, () => {
      called = true;
    });
    expect(called).toBe(false);
  });

  it('does not last for ever', async () => {
    const sleeping = { file: 'sleep', args: ['60'], patience: 300 };
    await expect(traceChanges(sleeping, [folder])).rejects.toThrow('sleep did not end within 0.3 s');
  });
});

describe('a log of strace', () => {
  const log = [
    '10 openat(AT_FDCWD</a>, "/lib/x", O_RDONLY) = 3</lib/x>',
    '11 openat(AT_FDCWD</a>, "/proc/self/fd/9/.t", O_WRONLY|O_CREAT, 0666) = 4</a/out/.t>',
    '11 pwrite64(4</a/out/.t>, "x"..., 65536, 0 <unfinished ...>',
    '10 fdatasync(5</a/ledger/data.mdb> <unfinished ...>',
    '11 <... pwrite64 resumed>) = 65536',
    '10 <... fdatasync resumed>) = 0',
    '11 fsync(4</a/out/.t>) = 0',
    '11 rename("/proc/self/fd/9/.t", "/proc/self/fd/9/\\377") = 0',
    '10 write(12<anon_inode:[eventfd]>, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8',
    '10 openat(AT_FDCWD</a>, "/dev/null", O_WRONLY|O_CREAT, 0666) = 6</dev/null>',
    '10 unlink("/a/elsewhere") = 0',
    '10 +++ exited with 0 +++',
  ].join('\n');

  it('is read with calls that are cut in two, in the order in which they begin', () => {
    expect(parseLog(log).map(({ thread, call }) => `${thread} ${call}`)).toEqual([
      '10 openat',
      '11 openat',
      '11 pwrite64',
      '10 fdatasync',
      '11 fsync',
      '11 rename',
      '10 write',
      '10 openat',
      '10 unlink',
    ]);
    expect(parseLog(log)[2]?.text).toContain('= 65536');
  });

  it('tells changes in a folder from those elsewhere', () => {
    const found = changesOf(parseLog(log), ['/a/out', '/a/ledger']).map(({ call, exact }) => [call, exact]);
    expect(found).toEqual([
      // No call before it tells its thread.
      ['openat', false],
      ['pwrite64', true],
      ['fdatasync', true],
      ['fsync', true],
      ['rename', true],
    ]);
  });
});

it('spreads a choice over a list', () => {
  const list = Array.from({ length: 10 }, (_, at) => at);
  expect(spread(list, 4)).toEqual([0, 3, 6, 9]);
  expect(spread(list, 20)).toEqual(list);
});
