import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { linuxMounts, mountFailure } from '../../src/platform/linux-mounts.js';

describe('a failed mount', () => {
  it.each([
    ['mount error(13): Permission denied', 'SHARE_DENIED'],
    ['mount error(2): No such file or directory', 'MOUNT_FAILED'],
    ['mount error(111): could not connect to 192.0.2.1', 'SHARE_UNREACHABLE'],
    ['mount error(113): No route to host', 'SHARE_UNREACHABLE'],
    ['mount: /mnt/x: unknown filesystem type', 'MOUNT_FAILED'],
  ])('that says "%s" is %s', (said, code) => {
    expect(mountFailure('/mnt/x', said)).toMatchObject({ code });
  });
});

describe('a sealed folder', () => {
  const { signal } = new AbortController();
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-seal-'));
  });
  afterEach(async () => {
    await linuxMounts.seal(folder, false, signal);
    await rm(folder, { recursive: true });
  });

  it('takes no file from anybody until it is opened again', async () => {
    await linuxMounts.seal(folder, true, signal);
    // A temporary folder in memory knows no such attribute on older kernels; nothing may fail there either.
    if (await linuxMounts.sealed(folder, signal)) {
      await expect(writeFile(join(folder, 'mail'), '')).rejects.toMatchObject({ code: 'EPERM' });
    }
    await linuxMounts.seal(folder, false, signal);
    await writeFile(join(folder, 'mail'), '');
    expect(await linuxMounts.sealed(folder, signal)).toBe(false);
  });
});
