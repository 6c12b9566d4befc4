import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { livesInstalled } from '../../src/icewarp/processes.js';

const LOOKS = 3_000;

describe('the process in a pid file', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-processes-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('lives also in the moment in which it becomes another program', async () => {
    const again = join(folder, 'again');
    await writeFile(again, '#!/bin/sh\nexec "$0"\n', { mode: 0o755 });
    const child = spawn(again, { stdio: 'ignore' });
    const gone = once(child, 'exit');
    await once(child, 'spawn');
    const pidFile = join(folder, 'again.pid');
    await writeFile(pidFile, `${child.pid ?? 0}\n`);
    let missed = 0;
    for (let look = 0; look < LOOKS; look += 1) if (!(await livesInstalled(pidFile, folder))) missed += 1;
    child.kill('SIGKILL');
    await gone;
    expect(missed).toBe(0);
    expect(await livesInstalled(pidFile, folder)).toBe(false);
  });

  it('is not the installation’s when its number is that of another program', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pidFile = join(folder, 'other.pid');
    await writeFile(pidFile, `${child.pid ?? 0}`);
    expect(await livesInstalled(pidFile, folder)).toBe(false);
    child.kill();
    await once(child, 'exit');
  });
});
