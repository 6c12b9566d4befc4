import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { PassOptions } from '../../src/transfer/types.js';

const CLIENT = join(import.meta.dirname, 'fixtures/transfer.js');

let folder: string;
let ledger: string;
let destination: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-cli-transfer-'));
  ledger = join(folder, 'made/by/it/ledger');
  destination = join(folder, 'destination');
  await mkdir(destination);
});

afterEach(() => rm(folder, { recursive: true }));

type Client = ChildProcessByStdio<null, Readable, Readable>;

function start(...args: readonly string[]): Client {
  return spawn(process.execPath, [CLIENT, 'transfer', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

async function answerOf(client: Client): Promise<Answer> {
  const said = { out: '', err: '' };
  client.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  client.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  const [code] = (await once(client, 'close')) as [number | null];
  return { code, ...said };
}

function run(...args: readonly string[]): Promise<Answer> {
  return answerOf(start(...args));
}

/** A source whose name tells the stand-in what to do. */
async function source(scene: string): Promise<string> {
  const path = join(folder, scene);
  await mkdir(path, { recursive: true });
  return path;
}

async function copy(scene: string, ...flags: readonly string[]): Promise<Answer> {
  return run('copy', await source(scene), destination, '--ledger', ledger, ...flags);
}

/** What the engine was asked for. */
async function askedFor(...flags: readonly string[]): Promise<PassOptions> {
  const { out } = await copy('says what it got', '--json', ...flags);
  const [last] = eventsOf(out).filter(({ event }) => event === 'result');
  const [task = ''] = (last as { notes?: string[] } | undefined)?.notes ?? [];
  return (JSON.parse(task) as { options: PassOptions }).options;
}

function eventsOf(out: string): { readonly event: string; readonly [key: string]: unknown }[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
}

describe('transfer copy', () => {
  it('tells in lines how far it is and how it ended', async () => {
    const { code, out } = await copy('works');
    expect(code).toBe(0);
    expect(out).toMatch(/^1 of 3 files {2}100 B of 300 B {2}33 % /);
    expect(out).toContain('First copy done after 0:01: 0 of 0 files copied');
  });

  it('is a first copy until one has been completed, and then a delta, or the final pass', async () => {
    await copy('fails');
    expect(await askedFor()).toMatchObject({ kind: 'seed' });
    expect(await askedFor()).toMatchObject({ kind: 'delta' });
    expect(await askedFor('--final')).toMatchObject({ kind: 'final' });
  });

  it('hands everything on that it is asked for', async () => {
    const flags = ['--threads', '3', '--max-delete', '0', '--max-skipped', '7'];
    const patterns = ['--exclude', '_queue', '--exclude', '*.tmp', '--always-hash', '*.db'];
    const limits = ['--limit-bytes', '10M', '--limit-files', '200'];
    expect(await askedFor(...flags, ...patterns, ...limits)).toEqual({
      source: join(folder, 'says what it got'),
      destination,
      ledger,
      kind: 'seed',
      threads: 3,
      maxDelete: 0,
      maxSkipped: 7,
      exclude: ['_queue', '*.tmp'],
      rehash: ['*.db'],
    });
    expect(JSON.parse(await readFile(join(ledger, 'limits.json'), 'utf8'))).toEqual({
      bytes: 10 * 1_024 ** 2,
      files: 200,
    });
  });

  it('tells everything as JSON lines, each skipped item, and the result last; the exit code is 3', async () => {
    const { code, out } = await copy('skips', '--json');
    expect(code).toBe(3);
    expect(eventsOf(out)).toMatchObject([
      { event: 'skipped', path: 'a\\xff', reason: 'DENIED', detail: 'EACCES' },
      { event: 'skipped', path: 'b', reason: 'ODD_TYPE' },
      { event: 'result', outcome: 'done', skipped: 2 },
    ]);
    const works = eventsOf((await run('copy', await source('skips'), destination, '--ledger', ledger, '--json')).out);
    expect(works.at(-1)?.event).toBe('result');
  });

  it('names the list of skipped items', async () => {
    const { code, out } = await copy('skips');
    expect(code).toBe(3);
    expect(out).toContain(`2 items skipped, listed in ${join(ledger, 'skipped.jsonl')}`);
  });

  it('that is held says why, with exit code 4', async () => {
    const { code, out } = await copy('holds');
    expect({ code, out }).toMatchObject({ code: 4, out: expect.stringContaining('5,000 files would be deleted') });
  });

  it('that fails says what to do next, as JSON too', async () => {
    const { code, err, out } = await copy('fails', '--json');
    expect(code).toBe(1);
    expect(err).toContain('there is no such folder\nCheck that the source is mounted');
    expect(eventsOf(out)).toEqual([{ event: 'failed', code: 'SOURCE_MISSING', message: 'there is no such folder' }]);
  });

  it('whose engine dies shows its last words', async () => {
    const { code, err } = await copy('ends without a word');
    expect(code).toBe(1);
    expect(err).toMatch(/^the last words\n.*ended with exit code 7\n.*\(ENGINE_DIED\)\n.*explain ENGINE_DIED\n$/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'stops cleanly on %s and says that the same command goes on',
    async (signal) => {
      const client = start('copy', await source('works on'), destination, '--ledger', ledger);
      client.stdout.once('data', () => client.kill(signal));
      const { code, out } = await answerOf(client);
      expect(code).toBe(1);
      expect(out).toMatch(/Stopping …\nStopped\. The same command goes on where this one was\.\n$/);
    },
  );

  it('refuses a ledger of other folders, but not one that was refused before it had begun', async () => {
    expect((await copy('is refused')).code).toBe(1);
    expect((await copy('works')).code).toBe(0);
    const { code, err } = await copy('skips');
    expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('(LEDGER_OTHER)') });
  });

  it('knows its folders by their real names', async () => {
    await copy('works');
    await symlink(join(folder, 'works'), join(folder, 'other name'));
    const { code } = await run('copy', join(folder, 'other name/'), `${destination}//`, '--ledger', ledger);
    expect(code).toBe(0);
  });

  it('refuses folders that lie in each other, and makes nothing then', async () => {
    const inside = join(destination, 'works');
    await mkdir(inside);
    const works = await source('works');
    const cases = [
      ['copy', inside, destination, '--ledger', ledger],
      ['copy', destination, inside, '--ledger', ledger],
      ['copy', works, works, '--ledger', ledger],
      ['copy', works, destination, '--ledger', join(works, 'new/ledger')],
      ['copy', works, destination, '--ledger', destination],
    ];
    for (const args of cases) {
      expect(await run(...args)).toMatchObject({ code: 2, err: expect.stringContaining('they must be apart') });
    }
    await expect(readFile(join(works, 'new'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('wants folders that are there', async () => {
    const works = await source('works');
    const absent = join(folder, 'absent');
    await writeFile(join(folder, 'file'), '');
    for (const path of [absent, join(folder, 'file')]) {
      expect(await run('copy', path, destination, '--ledger', ledger)).toMatchObject({
        code: 1,
        err: expect.stringContaining('(SOURCE_MISSING)'),
      });
      expect(await run('copy', works, path, '--ledger', ledger)).toMatchObject({
        code: 2,
        err: expect.stringContaining('make it first'),
      });
    }
  });

  it.each([
    ['--limit-bytes', 'fast'],
    ['--limit-files', '0'],
    ['--threads', '65'],
    ['--max-delete', '-1'],
    ['--exclude', 'a//b'],
    ['--nonsense', 'x'],
  ])('refuses %s %s as wrong usage', async (flag, value) => {
    expect((await copy('works', flag, value)).code).toBe(2);
  });
});

describe('the other transfer commands', () => {
  it('find the folders in the ledger, and want one that something was copied with', async () => {
    const quarantine = join(folder, 'quarantine');
    for (const args of [['verify'], ['reverse', '--quarantine', quarantine], ['status'], ['limit']]) {
      const { code, err } = await run(...args, '--ledger', ledger);
      expect({ args, code, err }).toMatchObject({ code: 2, err: expect.stringContaining('nothing has been copied') });
    }
    await copy('works');
    expect(await run('verify', '--ledger', ledger)).toMatchObject({
      code: 0,
      out: expect.stringContaining('all as they were copied\n  read from the share itself'),
    });
    expect((await run('reverse', '--ledger', ledger, '--quarantine', quarantine)).code).toBe(0);
  });

  it('tell differences one by one, with exit code 3', async () => {
    await copy('works');
    const { code, out } = await run('verify', '--ledger', ledger, '--sample', '13', '--json');
    expect(code).toBe(3);
    expect(eventsOf(out)).toMatchObject([
      { event: 'different', path: 'a' },
      { event: 'result', outcome: 'different', different: 1 },
    ]);
  });

  it('keep the quarantine out of both trees', async () => {
    await copy('works');
    for (const path of [join(folder, 'works/q'), join(destination, 'q'), join(ledger, 'q')]) {
      const { code, err } = await run('reverse', '--ledger', ledger, '--quarantine', path);
      expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('they must be apart') });
    }
  });

  it('let the quarantine lie in the source where that is left out by name, as on a file system of its own', async () => {
    await copy('works');
    const inside = join(folder, 'works/.icewarp-rollout-quarantine');
    const args = ['reverse', '--ledger', ledger, '--quarantine', inside];
    expect((await run(...args, '--exclude', '/.icewarp-rollout-other')).code).toBe(2);
    expect((await run(...args, '--exclude', '/.icewarp-rollout-*', '--max-delete', '5')).code).toBe(0);
  });

  it('show where a ledger stands: what runs, and how the last runs ended', async () => {
    const client = start('copy', await source('works on'), destination, '--ledger', ledger);
    await once(client.stdout, 'data');
    const running = await run('status', '--ledger', ledger);
    expect(running.out).toMatch(
      /^source {7}.*works on\ndestination {2}.*destination\nlimit {8}none\n\nseed, runs as process \d+ since /,
    );
    const other = await run('copy', await source('works on'), destination, '--ledger', ledger);
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining('(LEDGER_BUSY)') });
    client.kill('SIGINT');
    await answerOf(client);
    expect((await run('status', '--ledger', ledger)).out).toContain('seed, stopped');
    await run('verify', '--ledger', ledger);
    const { out } = await run('status', '--ledger', ledger, '--json');
    expect(JSON.parse(out)).toMatchObject({ destination, runs: { verify: { end: { result: { outcome: 'equal' } } } } });
  });

  it('change the limits, and only those that are named', async () => {
    await copy('works');
    const hours = join(folder, 'hours.yaml');
    await writeFile(hours, '- { days: mon-sun, from: 00:00, to: 24:00, files: 5 }\n');
    await run('limit', '--ledger', ledger, '--limit-bytes', '1G', '--limit-files', '9');
    const { code, out } = await run('limit', '--ledger', ledger, '--limit-bytes', 'none', '--timetable', hours);
    expect(code).toBe(0);
    expect(out).toBe(
      'limit now    5 files/s\n             sun,mon,tue,wed,thu,fri,sat 00:00-24:00: 5 files/s\n             otherwise: 9 files/s\n',
    );
    await run('limit', '--ledger', ledger, '--timetable', 'none');
    expect(JSON.parse((await run('limit', '--ledger', ledger, '--json')).out)).toEqual({
      limits: { files: 9 },
      now: { files: 9 },
    });
    await writeFile(hours, '- { days: always, from: 00:00, to: 24:00 }\n');
    expect(await run('limit', '--ledger', ledger, '--timetable', hours)).toMatchObject({
      code: 2,
      err: expect.stringContaining('hours.yaml: entry 1: "always" is no day'),
    });
  });
});
