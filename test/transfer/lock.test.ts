import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { lockLedger } from '../../src/transfer/lock.js';

const HOLDER = join(import.meta.dirname, 'fixtures/hold-lock.js');

let folder: string;
let holders: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-lock-'));
  holders = [];
});

afterEach(async () => {
  await Promise.all(holders.map(kill));
  await rm(folder, { recursive: true });
});

/** A process that holds the lock, and what it said. */
async function hold(...more: string[]): Promise<{ holder: ChildProcess; said: string }> {
  const holder = spawn(process.execPath, [HOLDER, folder, ...more], { stdio: ['ignore', 'pipe', 'inherit'] });
  holders.push(holder);
  const [text] = (await once(holder.stdout, 'data')) as [Buffer];
  return { holder, said: text.toString() };
}

async function kill(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const gone = once(holder, 'exit');
  holder.kill('SIGKILL');
  await gone;
}

describe('the lock of a ledger', () => {
  it('is refused while another process holds it, naming that process and since when', async () => {
    const before = Date.now();
    const { holder } = await hold();
    const refusal = await lockLedger(folder).catch((error: unknown) => error as Error);
    expect(refusal).toMatchObject({ code: 'LEDGER_BUSY', message: expect.stringContaining(`process ${holder.pid} `) });
    const since = Date.parse(/ since (\S+)$/.exec((refusal as Error).message)?.[1] ?? '');
    expect(since).toBeGreaterThanOrEqual(before);
    expect(since).toBeLessThanOrEqual(Date.now());
  });

  it('ends with the process that holds it, even by SIGKILL', async () => {
    const { holder } = await hold();
    await kill(holder);
    const release = await lockLedger(folder);
    release();
  });

  it('is not inherited by a process that outlives the one that holds it', async () => {
    const { holder, said } = await hold('heir');
    const heir = Number(said.split(' ')[1]);
    try {
      await kill(holder);
      process.kill(heir, 0);
      const release = await lockLedger(folder);
      release();
    } finally {
      process.kill(heir, 'SIGKILL');
    }
  });

  it('is refused to the process itself until it has released it', async () => {
    const release = await lockLedger(folder);
    await expect(lockLedger(folder)).rejects.toMatchObject({ code: 'LEDGER_BUSY' });
    release();
    const again = await lockLedger(folder);
    release();
    await expect(lockLedger(folder)).rejects.toMatchObject({ code: 'LEDGER_BUSY' });
    again();
  });

  it('is given to exactly one of many that ask at once', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => lockLedger(folder)));
    const locked = answers.filter((answer) => answer.status === 'fulfilled');
    expect(locked).toHaveLength(1);
    for (const { value } of locked) value();
  });

  it('is refused also while its holder has not signed it yet', async () => {
    await hold();
    await truncate(join(folder, 'lock'));
    await expect(lockLedger(folder)).rejects.toMatchObject({
      code: 'LEDGER_BUSY',
      message: expect.stringContaining('another process'),
    });
  });
});
