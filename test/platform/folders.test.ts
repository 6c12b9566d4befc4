import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { removeEmptyFolder, roomFor } from '../../src/platform/folders.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const isOurs = (name: string): boolean => name.startsWith('ours-');

describe('a folder', () => {
  it('goes with what is ours, also with a folder that a cut-off measurement left', async () => {
    const path = join(folder, 'mail');
    await mkdir(join(path, 'ours-fitness/names'), { recursive: true });
    await writeFile(join(path, 'ours-fitness/names/a:b'), '');
    await writeFile(join(path, 'ours-proof'), '');
    expect(await removeEmptyFolder(path, isOurs)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it('stays, with everything in it, beside one thing of somebody else', async () => {
    await writeFile(join(folder, 'ours-proof'), '');
    await writeFile(join(folder, 'theirs'), '');
    expect(await removeEmptyFolder(folder, isOurs)).toBe(false);
    expect((await readdir(folder)).sort()).toEqual(['ours-proof', 'theirs']);
  });

  it('that is not there yet has the room of the nearest one above it', async () => {
    expect((await roomFor(join(folder, 'not/yet'))).bytes).toBeGreaterThan(0);
  });
});
