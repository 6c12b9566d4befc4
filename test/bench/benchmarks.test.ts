import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

import { measure, start } from '../../bench/kit/measure.js';
import { OURS } from '../../bench/kit/movers.js';

const work = mkdtempSync('/dev/shm/icewarp-rollout-benchmarks-');
const stub = join(import.meta.dirname, 'stub-mover.js');
/** Their packages are not needed for anything else, so the tests do without. */
const withoutPeers = ['--without', 'rclone copy', '--without', 'fpsync'];

interface Result {
  readonly code: number | null;
  readonly said: string;
  /** Rows of all tables by their first cell, the others in order. */
  readonly rows: readonly (readonly string[])[];
}

async function bench(name: string, ...options: string[]): Promise<Result> {
  const program = join(import.meta.dirname, `../../bench/${name}.js`);
  const args = [program, '--engine', stub, '--work', work, '--seed', '7', ...options];
  const { code, stdout, stderr } = await (await start({ file: process.execPath, args })).ended;
  const rows = stdout
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.slice(2, -2).split(' | '));
  return { code, said: stdout + stderr, rows };
}

const row = ({ rows, said }: Result, ...begin: string[]): readonly string[] => {
  const found = rows.find((cells) => begin.every((cell, at) => cells[at]?.startsWith(cell)));
  if (found === undefined) throw new Error(`no row ${begin.join(' | ')} in ${said}`);
  return found;
};

/** Each runs a whole benchmark of a few files, with rsync in the place of ours. */
describe('a benchmark', () => {
  afterAll(() => {
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(work);
    expect(readdirSync(work)).toEqual([]);
    rmdirSync(work);
  });

  it('compares first copies in memory, with the ceiling beside them', async () => {
    const result = await bench('first-copy-tmpfs', '--files', '300', '--runs', '2', ...withoutPeers);
    expect(result.code).toBe(0);
    for (const name of [OURS, 'cp -a', 'rsync -a', 'bare loop, Node.js']) {
      expect(Number(row(result, name)[2]?.replace(',', ''))).toBeGreaterThan(0);
    }
    expect(row(result, OURS)[3]).toBe('1');
    expect(row(result, 'runs faster than rsync -a')[1]).toBe('≥ 2');
  }, 120_000);

  it('compares first copies onto a share, and fails where a file costs too many requests', async () => {
    const result = await bench(
      'first-copy-share',
      '--files',
      '60',
      '--runs',
      '1',
      '--without',
      'rsync -a',
      ...withoutPeers,
    );
    expect(row(result, 'bare loop, 16 lanes')[2]).toMatch(/^[\d,]+$/);
    // What rsync costs on sshfs, which is twice what is allowed; a request that overlaps another saves a round trip.
    const [requests, roundTrips] = row(result, OURS, 'new').slice(2, 4).map(Number);
    expect(requests).toBeCloseTo(20, 0);
    expect(roundTrips).toBeGreaterThan(14);
    expect(roundTrips).toBeLessThanOrEqual(requests ?? 0);
    const [, allowed, , verdict] = row(result, 'requests per file in a folder that is new');
    expect([allowed, verdict]).toEqual(['≤ 9 (gate)', 'MISSED']);
    expect(row(result, 'round trips per file in a folder that is existing')[1]).toBe('≤ 8 (gate)');
    expect(result.code).toBe(1);
  }, 180_000);

  it('compares second passes onto a share', async () => {
    const result = await bench('delta-share', '--files', '60', '--changed', '4', '--runs', '2', ...withoutPeers);
    const [, , , , nothing = '', perFile] = row(result, 'rsync -a', 'nothing');
    // One folder below two others, and what a mount costs.
    expect(Number(nothing)).toBeGreaterThan(10);
    expect(perFile).toBe('–');
    expect(Number(row(result, 'rsync -a', '4 files')[5])).toBeGreaterThan(14);
    expect(row(result, 'requests per changed file').slice(1, 2)).toEqual(['≤ 14 (gate)']);
    expect(row(result, 'requests per changed file')[3]).toBe('MISSED');
    expect(result.code).toBe(1);
  }, 180_000);

  it('measures walks', async () => {
    const result = await bench('walk', '--files', '1000', '--runs', '2');
    expect(result.code).toBe(0);
    expect(row(result, OURS)[3]).toMatch(/^[\d,]+ \([\d,]+–[\d,]+\)$/);
    expect(row(result, 'bare walk')[3]).toBe('–');
    expect(row(result, 'files/s, walk with ledger')[1]).toBe('≥ 250,000');
  }, 120_000);

  it('measures what is copied again after a kill', async () => {
    const result = await bench('resume', '--files', '3000', '--kills', '3');
    expect(result.code).toBe(0);
    // rsync goes on after the files that it has finished: what it loses is the one that it was at, twice at the most.
    for (const kill of ['1', '2', '3']) expect(Number(row(result, kill)[2])).toBeLessThan(10);
    expect(row(result, 'copied again by a kill')[3]).toBe('met');
  }, 120_000);

  it('follows a large copy in tenths', async () => {
    const result = await bench('million', '--files', '20000', '--bytes', '100');
    expect(result.code).toBe(0);
    for (let tenth = 1; tenth <= 10; tenth += 1) expect(Number(row(result, `${tenth}`)[2])).toBeGreaterThan(0);
    expect(Number(row(result, '10')[3])).toBeGreaterThan(1);
  }, 120_000);

  it('measures how soon a cancelled copy is over, also on a share that hangs', async () => {
    const result = await bench('cancel', '--files', '6000', '--runs', '1');
    expect(result.code).toBe(0);
    for (const place of ['memory', 'share', 'hung share']) {
      expect(Number(row(result, place, '1')[3])).toBeGreaterThan(0);
      expect(row(result, place, '1')[5]).toBe('cancelled');
    }
    expect(row(result, 'hung share', '1')[2]).toBe('–');
  }, 180_000);

  it('says what is missing, and changes nothing', async () => {
    const { code, said } = await bench('walk', '--engine', join(import.meta.dirname, 'nothing.js'));
    expect({ code, said }).toMatchObject({ code: 1, said: expect.stringContaining('there is no build') });
    expect((await bench('walk', '--runs', 'many')).said).toContain('--runs takes a number');
  }, 60_000);
});

describe('a measured command', () => {
  it('is told with its memory and output', async () => {
    const script = 'const b = Buffer.alloc(80e6, 1); setTimeout(() => console.log(b.length), 700);';
    const { seconds, stdout, peakMemory } = await measure({ file: process.execPath, args: ['-e', script] });
    expect(stdout).toBe('80000000\n');
    expect(seconds).toBeGreaterThan(0.7);
    expect(peakMemory).toBeGreaterThan(80e6);
  });

  it('that fails stops the benchmark with its last words', async () => {
    await expect(measure({ file: 'sh', args: ['-c', 'echo why >&2; exit 3'] })).rejects.toThrow('ended with 3: why');
  });
});
