import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { shareDelayAnswered, shareDelayAsked, type ShareDelays } from '../../src/activities/share-delay.js';
import { testContext, type TestContext } from '../support/context.js';
import { Sshfs } from '../support/sshfs.js';

const USER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

let context: TestContext;
let served: string;
let mounts: Sshfs[];

beforeEach(async () => {
  context = await testContext();
  served = join(context.folder, 'served');
  await mkdir(served);
  await chmod(served, 0o777);
  mounts = [];
});
afterEach(async () => {
  for (const mount of mounts) await mount.unmount();
  await context.remove();
});

async function mounted(node: string, options?: string): Promise<string> {
  const mount = await Sshfs.of(served, join(context.folder, node), options === undefined ? {} : { options });
  mounts.push(mount);
  return mount.mount;
}

function measure(a: string, b: string): Promise<[ShareDelays, unknown]> {
  const input = { token: 't', asks: 'A', answers: 'B', ...USER };
  return Promise.all([
    shareDelayAsked.run({ ...input, folder: a }, context),
    shareDelayAnswered.run({ ...input, folder: b }, context),
  ]);
}

describe('what one node does on the share', () => {
  it('is seen at once on another whose mount caches nothing, and leaves nothing behind', async () => {
    const [delays] = await measure(await mounted('A'), await mounted('B'));
    for (const { median, worst } of [delays.created, delays.changed, delays.deleted]) {
      expect(median).toBeLessThanOrEqual(worst);
      expect(worst).toBeLessThan(1_000);
    }
    expect(await readdir(served)).toEqual([]);
  }, 60_000);

  it('is seen later where mounts cache for two seconds, and that is measured', async () => {
    const cached = 'dcache_timeout=2,dcache_stat_timeout=2,attr_timeout=2,entry_timeout=2,negative_timeout=2';
    const [delays] = await measure(await mounted('A', cached), await mounted('B', cached));
    const worst = Math.max(delays.created.worst, delays.changed.worst, delays.deleted.worst);
    expect(worst).toBeGreaterThan(500);
    expect(worst).toBeLessThan(5_000);
  }, 120_000);

  it('makes the share unfit where mounts cache for a minute', async () => {
    const cached = 'dcache_timeout=60,dcache_stat_timeout=60,attr_timeout=60,entry_timeout=60,negative_timeout=60';
    const [a, b] = [await mounted('A', cached), await mounted('B', cached)];
    const stop = new AbortController();
    const input = { token: 't', asks: 'A', answers: 'B', ...USER };
    const answered = shareDelayAnswered.run({ ...input, folder: b }, { ...context, signal: stop.signal });
    const asked = shareDelayAsked.run({ ...input, folder: a }, context).finally(() => {
      stop.abort();
    });
    const [end] = await Promise.allSettled([asked, answered]);
    // that it is never seen, or too late
    expect(end).toMatchObject({
      status: 'rejected',
      reason: { code: expect.stringMatching(/^SHARE_(STALE|UNFIT)$/) as unknown },
    });
  }, 200_000);
});
