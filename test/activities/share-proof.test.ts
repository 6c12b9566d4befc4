import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { shareProof } from '../../src/activities/share-proof.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { linuxMounts } from '../../src/platform/linux-mounts.js';
import type { Platform } from '../../src/platform/platform.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { testContext } from '../support/context.js';

describe('a proof of the share', () => {
  it('writes nothing where the share is mounted with options that lose mail', async () => {
    const harmful = (): Promise<string[]> => Promise.resolve(['nfs4 is mounted with soft: writes fail']);
    const context = await testContext({}, { mounts: { harmful } as Partial<Platform['mounts']> as Platform['mounts'] });
    const mount = join(context.folder, 'share');
    const folder = join(mount, 'mail');
    await mkdir(folder, { recursive: true });
    await writeFile(join(mount, SENTINEL), sentinelText('test'));
    const input = { folders: [folder], token: 't', uid: 0, gid: 0, mount, cluster: 'test' };
    await expect(shareProof.run(input, context)).rejects.toMatchObject({
      code: 'SHARE_UNFIT',
      message: `${mount}: nfs4 is mounted with soft: writes fail`,
    });
    expect(await readdir(folder)).toEqual([]);
    await context.remove();
  });

  it('finds the mount of a folder in this machine’s own table', async () => {
    expect(await linuxMounts.harmful('/proc/self')).toEqual([]);
  });
});
