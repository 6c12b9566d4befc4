import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { takeLease } from '../../src/transfer/lease.js';
import { LEASE_NAME } from '../../src/transfer/names.js';

const HOLDER = join(import.meta.dirname, 'fixtures/hold-lease.js');

let folder: string;
let holders: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-lease-'));
  holders = [];
});

afterEach(async () => {
  await Promise.all(holders.map(kill));
  await rm(folder, { recursive: true });
});

/** A process that tries to hold the lease, and what it said. */
async function hold(): Promise<{ holder: ChildProcess; said: string }> {
  const holder = spawn(process.execPath, [HOLDER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  holders.push(holder);
  const [text] = (await once(holder.stdout, 'data')) as [Buffer];
  return { holder, said: text.toString().trim() };
}

async function kill(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const gone = once(holder, 'exit');
  holder.kill('SIGKILL');
  await gone;
}

/** Lets the lease that is there be one of another machine, boot or process. */
async function forge(changes: Record<string, unknown>): Promise<void> {
  const file = join(folder, LEASE_NAME);
  const lease = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...lease, ...changes }));
}

describe('the lease of a destination', () => {
  it('is refused while its process runs, naming process, machine and file', async () => {
    const { holder, said } = await hold();
    expect(said).toBe('taken');
    const message = `process ${holder.pid} on ${hostname()} since `;
    await expect(takeLease(folder, 'mine')).rejects.toMatchObject({
      code: 'DESTINATION_BUSY',
      message: expect.stringContaining(message),
    });
    await expect(takeLease(folder, 'mine')).rejects.toThrow(join(folder, LEASE_NAME));
  });

  it('is taken over when its process was killed, and nothing of it is left after the release', async () => {
    const { holder } = await hold();
    await kill(holder);
    const lease = await takeLease(folder, 'mine');
    await lease.assertHeld();
    await lease.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over when its machine has been started anew since', async () => {
    await hold();
    await forge({ boot: 'an earlier one' });
    await expect(takeLease(folder, 'mine')).resolves.toBeDefined();
  });

  it('is taken over when its number is another process by now', async () => {
    await hold();
    await forge({ started: '1' });
    await expect(takeLease(folder, 'mine')).resolves.toBeDefined();
  });

  it.each([{ host: 'elsewhere', boot: 'other' }, { machine: 'a clone', boot: 'other' }, { namespace: 'pid:[1]' }])(
    'is never taken over from where nobody can look: %j',
    async (place) => {
      const { holder } = await hold();
      await kill(holder);
      await forge(place);
      await expect(takeLease(folder, 'mine')).rejects.toMatchObject({ code: 'DESTINATION_BUSY' });
    },
  );

  it('is given to exactly one of many that find it abandoned', async () => {
    const { holder } = await hold();
    await kill(holder);
    const said = await Promise.all(Array.from({ length: 6 }, async () => (await hold()).said));
    expect(said.sort()).toEqual([...Array<string>(5).fill('DESTINATION_BUSY'), 'taken']);
  });

  it('that nobody signed is taken over after a while, not at once', async () => {
    await writeFile(join(folder, LEASE_NAME), '');
    const before = Date.now();
    await takeLease(folder, 'mine', 500);
    expect(Date.now() - before).toBeGreaterThanOrEqual(400);
  });

  it('that somebody took away is noticed, and left to its new holder', async () => {
    const lease = await takeLease(folder, 'mine');
    await forge({ token: 'of another' });
    await expect(lease.assertHeld()).rejects.toMatchObject({ code: 'DESTINATION_BUSY' });
    await lease.release();
    expect(await readdir(folder)).toEqual([LEASE_NAME]);
  });
});
