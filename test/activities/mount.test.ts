import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { mount, type MountDesired } from '../../src/activities/mount.js';
import { SENTINEL } from '../../src/cluster/names.js';
import type { Platform } from '../../src/platform/platform.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { testContext, type TestContext } from '../support/context.js';

const FOREIGN = (target: string): string => `//other/share ${target} cifs defaults 0 0\n`;
const ROOT = '/dev/sda1 / ext4 defaults 0 1\n';

let context: TestContext;
let desired: MountDesired;
let table: string;
let isMounted: boolean;

/** A machine on which mounting shows the share's sentinel at the mount point, and unmounting hides it. */
function mounts(): Platform['mounts'] {
  const credentials = join(context.folder, 'credentials');
  return {
    table,
    credentials,
    mounted: async () => isMounted,
    type: () => Promise.resolve('cifs'),
    harmful: async () => [],
    tableChanged: async () => undefined,
    mount: async (target) => {
      isMounted = true;
      await writeFile(join(target, SENTINEL), sentinelText(desired.cluster));
    },
    unmount: async (target) => {
      isMounted = false;
      await rm(target, { recursive: true, force: true });
      await mkdir(target);
    },
    sealed: async () => false,
    seal: async () => undefined,
  };
}

beforeEach(async () => {
  context = await testContext({ share: 'pw' });
  table = join(context.folder, 'fstab');
  isMounted = false;
  const target = join(context.folder, 'nodes', 'icewarp');
  const password = { secret: 'share' };
  desired = { source: '//127.0.0.1/iw', port: 445, target, user: 'iw', uid: 1, gid: 1, password, cluster: 'lab' };
  Object.assign(context.agent, { platform: { mounts: mounts() } });
});

afterEach(() => context.remove());

describe('a mount point of somebody else’s line', () => {
  it('is refused without a change', async () => {
    const text = ROOT + FOREIGN(desired.target);
    await writeFile(table, text);
    await expect(mount.apply(desired, context)).rejects.toMatchObject({ code: 'MOUNT_FAILED' });
    await expect(readFile(table, 'utf8')).resolves.toBe(text);
    expect(isMounted).toBe(false);
  });

  it('is mounted once the operator has taken that line out, and the way back keeps it out', async () => {
    await writeFile(table, ROOT + FOREIGN(desired.target));
    const before = await mount.observe(desired, context);
    await expect(mount.apply(desired, context)).rejects.toMatchObject({ code: 'MOUNT_FAILED' });
    await writeFile(table, ROOT);
    await mount.apply(desired, context);
    expect(mount.diff(desired, await mount.observe(desired, context))).toEqual([]);
    for (let twice = 0; twice < 2; twice++) await expect(mount.restore(desired, before, context)).resolves.toEqual([]);
    await expect(readFile(table, 'utf8')).resolves.toBe(ROOT);
    expect(isMounted).toBe(false);
  });
});
