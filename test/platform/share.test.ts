import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { lookAtShare, roomOnShare, sizeOnShare } from '../../src/platform/share.js';

const { signal } = new AbortController();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-share-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a look at a share', () => {
  it('tells the size of a file, also behind a link, and that there is none', async () => {
    await writeFile(join(folder, 'settings.cfg'), '12345');
    await symlink('settings.cfg', join(folder, 'link'));
    expect(await sizeOnShare(join(folder, 'settings.cfg'), signal)).toBe(5);
    expect(await sizeOnShare(join(folder, 'link'), signal)).toBe(5);
    expect(await sizeOnShare(join(folder, 'nothing'), signal)).toBeNull();
    expect(await sizeOnShare(join(folder, 'settings.cfg/below'), signal)).toBeNull();
  });

  it('does not take a file for absent that cannot be looked at', async () => {
    await symlink('loop', join(folder, 'loop'));
    await expect(sizeOnShare(join(folder, 'loop'), signal)).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });

  it('tells what still fits', async () => {
    const { bytes, files } = await roomOnShare(folder, signal);
    expect(bytes).toBeGreaterThan(0);
    expect(files === null || files > 0).toBe(true);
    await expect(roomOnShare(join(folder, 'nothing'), signal)).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  });

  it('that is not answered in time says so', async () => {
    const look = lookAtShare('sleep', ['60'], '/mnt/icewarp', { signal, timeout: 200 });
    await expect(look).rejects.toMatchObject({ code: 'SHARE_UNREACHABLE', retryable: true });
  });
});
