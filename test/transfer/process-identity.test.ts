import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, describe, expect, it } from '@jest/globals';

import { identify, isIdentity, whereabouts, type ProcessIdentity } from '../../src/transfer/process-identity.js';

const HEADLESS = join(import.meta.dirname, 'fixtures/headless.js');

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
});

function start(command: string, ...args: string[]): ChildProcess & { readonly stdout: Readable; readonly pid: number } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child as typeof child & { readonly pid: number };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function identityOf(pid?: number): Promise<ProcessIdentity> {
  const identity = await identify(pid);
  if (identity === null) throw new Error(`no process ${String(pid)}`);
  return identity;
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

async function becomes(state: string, pid: number): Promise<void> {
  for (let look = 0; stateOf(pid) !== state; look += 1) {
    if (look > 1_000) throw new Error(`process ${pid} never was ${state}`);
    await sleep(10);
  }
}

describe('the identity of a process', () => {
  it('finds it alive until it has ended', async () => {
    const child = start('sleep', '60');
    const identity = await identityOf(child.pid);
    expect(isIdentity(JSON.parse(JSON.stringify(identity)))).toBe(true);
    expect(await whereabouts(identity)).toBe('alive');
    await kill(child);
    expect(await whereabouts(identity)).toBe('gone');
    expect(await identify(child.pid)).toBeNull();
  });

  it('is not that of a later process with the same number, nor of one before the last boot', async () => {
    const mine = await identityOf();
    expect(await whereabouts(mine)).toBe('alive');
    expect(await whereabouts({ ...mine, started: '1' })).toBe('gone');
    expect(await whereabouts({ ...mine, boot: 'an earlier one' })).toBe('gone');
  });

  it('tells nothing of another machine or container', async () => {
    const mine = await identityOf();
    expect(await whereabouts({ ...mine, host: 'elsewhere', boot: 'other' })).toBe('unknown');
    expect(await whereabouts({ ...mine, machine: 'its clone', boot: 'other' })).toBe('unknown');
    expect(await whereabouts({ ...mine, namespace: 'pid:[1]' })).toBe('unknown');
  });

  it('finds a process gone that only waits for its parent to notice', async () => {
    const parent = start('sh', '-c', 'sleep 0.3 & echo $!; exec sleep 60');
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(text.toString());
    const identity = await identityOf(pid);
    await becomes('Z', pid);
    expect(await whereabouts(identity)).toBe('gone');
  });

  it('finds a process alive of which only the first thread has ended', async () => {
    const child = start(process.execPath, HEADLESS);
    const identity = await identityOf(child.pid);
    await once(child.stdout, 'data');
    await becomes('Z', child.pid);
    expect(await whereabouts(identity)).toBe('alive');
  });

  it.each([null, 'text', {}, { pid: 1 }, { pid: '1', host: '', machine: '', boot: '', namespace: '', started: '' }])(
    'is not %j',
    (value) => {
      expect(isIdentity(value)).toBe(false);
    },
  );
});
