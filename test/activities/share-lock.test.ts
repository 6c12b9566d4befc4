import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { PROOF_PREFIX } from '../../src/activities/folder-set.js';
import { shareLockHeld, shareLockRefused, type ShareLockInput } from '../../src/activities/share-lock.js';
import { runCommand } from '../../src/platform/run.js';
import { testContext, type TestContext } from '../support/context.js';
import { eventually } from '../support/eventually.js';
import { Sshfs } from '../support/sshfs.js';

let context: TestContext;
let served: string;

const input = (folder: string): ShareLockInput => ({
  folder,
  token: 't',
  holder: 'A',
  others: ['B', 'C'],
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
});
const held = (folder: string): Promise<unknown> => shareLockHeld.run(input(folder), context);
const refused = (folder: string, node: string): Promise<unknown> =>
  shareLockRefused.run({ ...input(folder), node }, context);

beforeEach(async () => {
  context = await testContext();
  served = join(context.folder, 'served');
  await mkdir(served);
});
afterEach(() => context.remove());

describe('a lock on the share', () => {
  it('that keeps other nodes out is proven, and nothing of the proof stays', async () => {
    await Promise.all([held(served), refused(served, 'B'), refused(served, 'C')]);
    expect(await readdir(served)).toEqual([]);
  }, 60_000);

  it('is proven although an earlier proof was cut off and left its marks', async () => {
    for (const mark of ['lock', 'lock.held', 'lock.tried-B'])
      await writeFile(join(served, `${PROOF_PREFIX}t-A.${mark}`), 'x');
    const tries = [refused(served, 'B'), refused(served, 'C')];
    await Promise.all([held(served), ...tries]);
    expect(await readdir(served)).toEqual([]);
  }, 60_000);

  it('stops within a second when the proof is cancelled, and holds the lock no longer', async () => {
    const stop = new AbortController();
    const holding = shareLockHeld.run(input(served), { ...context, signal: stop.signal });
    const isHeld = async (): Promise<boolean> => (await readdir(served)).some((name) => name.endsWith('.held'));
    await eventually('the lock is held', isHeld);
    stop.abort();
    const began = Date.now();
    await expect(holding).rejects.toThrow();
    expect(Date.now() - began).toBeLessThan(5_000);
    const { exitCode } = await runCommand('flock', ['--nonblock', join(served, `${PROOF_PREFIX}t-A.lock`), 'true']);
    expect(exitCode).toBe(0);
  }, 60_000);

  describe('over mounts that keep locks to themselves', () => {
    let mounts: Sshfs[];
    const mountOf = (node: string): string => join(context.folder, node);

    beforeEach(async () => {
      mounts = await Promise.all(['A', 'B', 'C'].map((node) => Sshfs.of(served, mountOf(node))));
    });
    afterEach(async () => {
      for (const mount of mounts) await mount.unmount();
    });

    it('is found out on every other node', async () => {
      const ends = await Promise.allSettled([
        held(mountOf('A')),
        refused(mountOf('B'), 'B'),
        refused(mountOf('C'), 'C'),
      ]);
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
      for (const end of ends.slice(1)) {
        expect(end).toMatchObject({
          reason: { code: 'SHARE_LOCKS', message: expect.stringContaining('a lock that A holds') as unknown },
        });
      }
      expect(await readdir(served)).toEqual([]);
    }, 60_000);
  });
});
