import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { shareFitness, type ShareFitness } from '../../src/activities/share-fitness.js';
import { ODD_CHARACTERS } from '../../src/cluster/file-names.js';
import { testContext, type TestContext } from '../support/context.js';
import { mountExfatImage } from '../support/exfat-image.js';
import { fakeTime } from '../support/fake-time.js';
import { mountSmallDisk } from '../support/mounts.js';
import { Sshfs } from '../support/sshfs.js';

const USER = { uid: 1501, gid: 1501 };

let context: TestContext;
let share: string;
let undo: (() => Promise<unknown>)[];

beforeEach(async () => {
  context = await testContext();
  share = join(context.folder, 'share');
  await mkdir(share);
  await chown(share, USER.uid, USER.gid);
  undo = [];
});
afterEach(async () => {
  for (const one of undo.reverse()) await one();
  await context.remove();
});

const measure = (folder = share): Promise<ShareFitness> => shareFitness.run({ folder, token: 't', ...USER }, context);

describe('the fitness of a share', () => {
  it('is measured as the process user in under 2 kB, and nothing of it stays', async () => {
    const fitness = await measure();
    expect(fitness.filesPerSecond).toBeGreaterThan(10);
    expect(fitness.bytesPerSecond).toBeGreaterThan(1_000_000);
    expect(fitness.roundTrip).toBeLessThan(50);
    expect(Math.abs(fitness.clock.ahead)).toBeLessThan(500);
    expect(fitness.names).toEqual({
      longest: 255,
      refused: [],
      ends: true,
      bytes: true,
      foldsCase: false,
      foldsForm: false,
    });
    expect(fitness.room.bytes).toBeGreaterThan(0);
    expect(JSON.stringify(fitness).length).toBeLessThan(2_048);
    expect(await readdir(share)).toEqual([]);
  }, 60_000);

  it('tells which names a file system changes or refuses', async () => {
    undo.push(mountExfatImage(join(context.folder, 'image'), share, USER).close);
    expect((await measure()).names).toEqual({
      longest: 255,
      refused: [...ODD_CHARACTERS],
      ends: true,
      bytes: false,
      foldsCase: true,
      foldsForm: false,
    });
    expect(await readdir(share)).toEqual([]);
  }, 60_000);

  it('is refused where the share takes few files more', async () => {
    const disk = mountSmallDisk(share, { bytes: 2e9, inodes: 5_000 });
    undo.push(disk.close);
    await expect(measure()).rejects.toMatchObject({
      code: 'SHARE_FULL',
      message: expect.stringMatching(/takes only 2\.0 GB and 49\d\d files more$/) as unknown,
    });
  });

  it.each([
    ['+5s', /[45]\.\d s ahead of/],
    ['-5s', /[45]\.\d s behind/],
  ])(
    'is refused where its clock is set by %s',
    async (offset, words) => {
      const mount = join(context.folder, 'mount');
      const options = 'dir_cache=no,attr_timeout=0,entry_timeout=0,allow_other';
      const sshfs = await Sshfs.of(share, mount, { options, env: fakeTime(offset) });
      undo.push(() => sshfs.unmount());
      await chmod(share, 0o777);
      await expect(measure(mount)).rejects.toMatchObject({
        code: 'CLOCK_OFF',
        message: expect.stringMatching(words) as unknown,
      });
      expect(await readdir(share)).toEqual([]);
    },
    60_000,
  );

  it('is refused where the process user may not write', async () => {
    await chown(share, 0, 0);
    await chmod(share, 0o755);
    await expect(measure()).rejects.toMatchObject({ code: 'FOLDER_UNWRITABLE' });
  });
});
