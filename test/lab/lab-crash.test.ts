import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, jest } from '@jest/globals';

import { labDown, labStatus, labUp } from '../../src/lab/lab.js';
import { remainsOf } from './remains.js';

// A test may start and end several labs, each of which takes a minute or two on a busy machine.
jest.setTimeout(300_000);

const LAB_MODULE = new URL('../../src/lab/lab.js', import.meta.url).href;

/** Starts a lab in a process of its own and kills that process as soon as it says the given word. */
async function crashAt(word: string, dir: string): Promise<void> {
  const code = `const { labUp } = await import(process.argv[1]);
    await labUp({ dir: process.argv[2], agents: false, log: console.log });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code, LAB_MODULE, dir]);
  child.stdout.on('data', (text: Buffer) => {
    if (text.toString().includes(word)) child.kill('SIGKILL');
  });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  expect(exitCode).toBeNull();
}

describe('a lab whose start goes wrong', () => {
  it('is removed as a whole when one of its servers does not start', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lab-'));
    await writeFile(join(folder, 'temporal'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const dir = join(folder, 'lab');
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder}:${path}`;
    try {
      const up = labUp({ dir, agents: false, log: () => undefined });
      await expect(up).rejects.toMatchObject({ code: 'LAB_FAILED' });
    } finally {
      process.env['PATH'] = path;
    }
    expect({ remains: remainsOf(dir), folder: existsSync(dir) }).toEqual({ remains: [], folder: false });
    await rm(folder, { recursive: true });
  });

  it('is taken down, or started anew, after the starting process was killed', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lab-'));
    await crashAt('machines', dir);
    expect(remainsOf(dir)).not.toEqual([]);
    expect((await labStatus(dir)).phase).toBe('starting');
    await labUp({ dir, agents: false, log: () => undefined });
    expect((await labStatus(dir)).phase).toBe('up');
    await labDown(dir);
    expect({ remains: remainsOf(dir), folder: existsSync(dir) }).toEqual({ remains: [], folder: false });
  });

  it('is refused in a folder that holds something else, which stays as it is', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'lab-'));
    await writeFile(join(dir, 'letter'), 'mine');
    await expect(labUp({ dir, agents: false, log: () => undefined })).rejects.toMatchObject({ code: 'LAB_STATE' });
    await labDown(dir);
    expect(existsSync(join(dir, 'letter'))).toBe(true);
    await rm(dir, { recursive: true });
  });
});
