import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { Sandbox } from './sandbox.js';

const MINUTE = 60_000;
let folder: string;
let machine: Sandbox;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-watchdog-'));
  machine = await Sandbox.start(folder, 'w', '127.77.9.21', { lab: { watchdogPeriod: 1 } });
  await machine.install('--user', 'icewarp');
}, MINUTE);
afterAll(async () => {
  await machine.services('--stop', 'all');
  await machine.stop();
  await rm(folder, { recursive: true, force: true });
});

async function smtpRuns(): Promise<boolean> {
  const script = 'pid=$(cat /opt/icewarp/var/smtp.pid 2>/dev/null) && kill -0 "$pid" 2>/dev/null';
  return (await machine.run('sh', '-c', script)).exitCode === 0;
}

const pause = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Whether it runs again within some seconds. */
async function comesBack(): Promise<boolean> {
  for (let look = 0; look < 40; look += 1) {
    if (await smtpRuns()) return true;
    await pause(0.25);
  }
  return false;
}

describe('the watchdog', () => {
  it(
    'lets a stopped service be, where it is off',
    async () => {
      await machine.services('--stop', 'smtp');
      await pause(4);
      expect(await smtpRuns()).toBe(false);
    },
    MINUTE,
  );

  it(
    'starts a stopped service again: whoever stopped it for a copy has a writer in it',
    async () => {
      await machine.tool('set', 'system', 'C_System_Tools_WatchDog_SMTP', '1');
      expect(await comesBack()).toBe(true);
      await machine.services('--stop', 'smtp');
      expect(await smtpRuns()).toBe(false);
      expect(await comesBack()).toBe(true);
    },
    MINUTE,
  );

  it(
    'is stopped with all services',
    async () => {
      await machine.services('--stop', 'all');
      await pause(3);
      expect(await smtpRuns()).toBe(false);
    },
    MINUTE,
  );
});
