import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lstat, mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { noteOpened } from '../../src/activities/opened.js';
import { skippedItems } from '../../src/activities/skipped-items.js';
import { treeFinal } from '../../src/activities/tree-final.js';
import { treeSeeded } from '../../src/activities/tree-seeded.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { ensureStarted } from '../../src/icewarp/control.js';
import { missingFrom, treeRoot } from '../../src/platform/tree.js';
import { SENTINEL_NAME as MARK } from '../../src/transfer/names.js';
import { NodeTrees, rewriteQuietly } from '../support/node-trees.js';

let trees: NodeTrees;

beforeEach(async () => {
  trees = await NodeTrees.make();
  await trees.write(trees.old, {
    'example.com/ann/inbox/1.imap': 'first',
    'example.com/ann/inbox/flags.dat': 'seen: no',
    'example.com/bob/inbox/2.imap': 'second',
    '_outgoing/3.dat': 'waits',
  });
});
afterEach(() => trees.remove());

describe('a tree’s copy while users work', () => {
  it('is begun once, by claiming its ledger, and then nothing is to be changed', async () => {
    const { desired, context } = trees;
    const before = await treeSeeded.observe(desired, context);
    expect(before).toMatchObject({ begun: false, files: 3 });
    expect(treeSeeded.diff(desired, before)).toEqual([expect.objectContaining({ before: 'not begun' })]);
    await treeSeeded.apply(desired, context);
    expect(await readdir(trees.share)).toEqual([]);
    expect(treeSeeded.diff(desired, await treeSeeded.observe(desired, context))).toEqual([]);
  });

  it('is taken away again, with the services as they are', async () => {
    const { desired, context } = trees;
    await trees.seed();
    await ensureStarted(desired.directory, context.signal);
    expect(await readdir(join(trees.share, 'example.com'))).toEqual(['ann', 'bob']);
    expect(await treeSeeded.restore(desired, null, context)).toEqual([]);
    expect(await readdir(trees.share)).toEqual([]);
    expect(await readFile(join(desired.directory, 'var/smtp.pid'), 'utf8')).not.toBe('');
    expect(await treeSeeded.restore(desired, null, context)).toEqual([]);
  });

  it('that was refused at a folder of others is given up, and theirs stays', async () => {
    const { desired, context } = trees;
    await trees.write(trees.share, { theirs: 'theirs' });
    await expect(trees.seed()).rejects.toMatchObject({ code: 'DESTINATION_OTHER' });
    expect(await treeSeeded.restore(desired, null, context)).toEqual([]);
    expect(await readdir(trees.share)).toEqual(['theirs']);
    expect(await treeSeeded.observe(desired, context)).toMatchObject({ begun: false });
  });

  it('is never taken away while IceWarp uses it, nor once users have worked with it', async () => {
    const { desired, context } = trees;
    await trees.seed();
    await trees.switched();
    await expect(treeSeeded.restore(desired, null, context)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    await noteOpened(context.agent, 'storage', true);
    expect(await treeSeeded.restore(desired, null, context)).toEqual([expect.stringContaining('users worked with')]);
    expect(await readdir(join(trees.share, 'example.com'))).toEqual(['ann', 'bob']);
  });
});

describe('the final pass', () => {
  it('copies what the deltas could not see, verifies it, and is noted', async () => {
    const { desired, context } = trees;
    await trees.seed();
    await rewriteQuietly(join(trees.old, 'example.com/ann/inbox/flags.dat'), 'seen: on');
    await writeFile(join(trees.old, 'example.com/ann/cache.db'), 'a database');
    expect(treeFinal.diff(desired, await treeFinal.observe(desired, context))).toHaveLength(1);
    await treeFinal.apply(desired, context);
    expect(await readFile(join(trees.share, 'example.com/ann/inbox/flags.dat'), 'utf8')).toBe('seen: on');
    expect(await readFile(join(trees.share, 'example.com/ann/cache.db'), 'utf8')).toBe('a database');
    expect((await readdir(trees.share)).sort()).toEqual([MARK, 'example.com']);
    expect(treeFinal.diff(desired, await treeFinal.observe(desired, context))).toEqual([]);
    await ensureStarted(desired.directory, context.signal);
    expect(treeFinal.diff(desired, await treeFinal.observe(desired, context))).toHaveLength(1);
  });

  it('is refused while a service runs', async () => {
    const { desired, context } = trees;
    await trees.seed();
    await ensureStarted(desired.directory, context.signal);
    await expect(treeFinal.apply(desired, context)).rejects.toMatchObject({ code: 'SERVICES_RUNNING' });
  });

  it('is noticed to have left something else on the share than what was copied', async () => {
    const { desired, context } = trees;
    await trees.seed();
    const there = join(trees.share, 'example.com/bob/inbox/2.imap');
    const { atime, mtime } = await lstat(there);
    await writeFile(there, 'sEcond');
    await utimes(there, atime, mtime);
    await expect(treeFinal.apply(desired, context)).rejects.toMatchObject({ code: 'COPY_DIFFERS' });
    expect(treeFinal.diff(desired, await treeFinal.observe(desired, context))).toHaveLength(1);
  });

  it('put back before users came leaves the copy for the next one', async () => {
    const { desired, context } = trees;
    await trees.seed();
    await treeFinal.apply(desired, context);
    expect(await trees.back()).toEqual([]);
    expect(await trees.back()).toEqual([]);
    expect(treeFinal.diff(desired, await treeFinal.observe(desired, context))).toHaveLength(1);
    expect(await treeSeeded.observe(desired, context)).toMatchObject({ begun: true });
    expect(await trees.seed('delta')).toMatchObject({ copied: { files: 0 } });
    expect(await readFile(join(trees.old, 'example.com/ann/inbox/1.imap'), 'utf8')).toBe('first');
  });
});

describe('a stop that goes back after its services had run closed on the share', () => {
  const UIDS = 'example.com/ann/inbox/dovecot-uidlist';

  beforeEach(async () => {
    await trees.write(trees.old, { [UIDS]: 'uids: 1', 'example.com/ann/new/4.imap': 'fourth' });
    await trees.seed();
    await treeFinal.apply(trees.desired, trees.context);
    await trees.switched();
    // what services do when they start, and when a probe looks
    await writeFile(join(trees.share, UIDS), 'uids: 1 2 3');
    await rename(join(trees.share, 'example.com/ann/new/4.imap'), join(trees.share, 'example.com/ann/inbox/4.imap'));
    await rm(join(trees.share, 'example.com/bob'), { recursive: true });
    await rewriteQuietly(join(trees.share, 'example.com/ann/inbox/flags.dat'), 'seen: on');
    await trees.write(trees.share, {
      'example.com/probe-1/inbox/probe.imap': 'a probe',
      'example.com/more.dat': 'more',
    });
    await trees.switchedBack();
  });

  it('leaves the copy as the final pass had, what only the share had beside it, and nothing to the next pass', async () => {
    const { desired, context, old, share } = trees;
    const [kept = '', ...more] = await trees.back();
    expect(kept).toMatch(/quarantine keeps 3 files that the services wrote to .*mail before users had it/);
    expect(more).toEqual([]);
    const quarantine = `${share}.icewarp-rollout-quarantine`;
    expect(await readFile(join(quarantine, 'example.com/probe-1/inbox/probe.imap'), 'utf8')).toBe('a probe');
    const walk = { signal: context.signal };
    expect(
      await missingFrom(treeRoot(old), treeRoot(share), {
        ...walk,
        exclude: (path) => path.toString() === '_outgoing',
      }),
    ).toEqual([]);
    expect(
      await missingFrom(treeRoot(share), treeRoot(old), { ...walk, exclude: (path) => path.toString() === MARK }),
    ).toEqual([]);
    expect(await lstat(join(share, 'example.com/bob/inbox/2.imap'))).toMatchObject(desired.owner);
    // users work with the old tree again, also with what services had changed on the share
    await writeFile(join(old, UIDS), 'uids: 1 2');
    expect(await trees.seed('delta')).toMatchObject({ copied: { files: 1 }, skipped: 0 });
    await treeFinal.apply(desired, context);
    expect(await readFile(join(share, UIDS), 'utf8')).toBe('uids: 1 2');
    expect(await readFile(join(share, 'example.com/ann/inbox/flags.dat'), 'utf8')).toBe('seen: no');
  });

  it('does so again after it was ended in the middle, and does not wait for a share that is away', async () => {
    const stop = new AbortController();
    stop.abort();
    await expect(trees.back({ ...trees.context, signal: stop.signal })).rejects.toThrow();
    expect(await trees.back()).toHaveLength(1);
    expect(await readFile(join(trees.share, UIDS), 'utf8')).toBe('uids: 1');
    await treeFinal.apply(trees.desired, trees.context);
    await rm(join(trees.desired.mount, SENTINEL));
    expect(await trees.back()).toEqual([expect.stringContaining('the next pass lists what it cannot copy over')]);
  });
});

describe('items that cannot be moved', () => {
  const list = (): Promise<unknown> => skippedItems.run({ what: 'mail' }, trees.context);

  beforeEach(async () => {
    await symlink('/elsewhere/mailbox', join(trees.old, 'example.com/ann/outside'));
    await trees.seed();
  });

  it('need an approval of exactly their list, whose hash is the same in every pass', async () => {
    const { desired, context } = trees;
    const { skippedHash = '' } = await trees.seed('delta');
    expect((await trees.seed('delta')).skippedHash).toBe(skippedHash);
    await expect(treeFinal.apply(desired, context)).rejects.toMatchObject({
      code: 'SKIPPED_UNAPPROVED',
      message: expect.stringMatching(
        new RegExp(`list ${skippedHash} with 1 items: LINK_OUTSIDE 1, such as example.com/ann/outside; .*jsonl`),
      ) as unknown,
    });
    await treeFinal.apply({ ...desired, skipped: ['another', skippedHash] }, context);
    expect(treeFinal.diff(desired, await treeFinal.observe(desired, context))).toEqual([]);
  });

  it('need another one when one more has come', async () => {
    const { desired, context } = trees;
    const { skippedHash = '' } = await trees.seed('delta');
    await symlink('/elsewhere/more', join(trees.old, 'example.com/bob/outside'));
    const approved = { ...desired, skipped: [skippedHash] };
    await expect(treeFinal.apply(approved, context)).rejects.toMatchObject({ code: 'SKIPPED_UNAPPROVED' });
    await rm(join(trees.old, 'example.com/bob/outside'));
    await treeFinal.apply(approved, context);
  });

  it('are told by reason with mailbox and file, in less than 2 kB', async () => {
    const long = join(trees.old, 'example.com/bob', 'x'.repeat(200), 'y'.repeat(200));
    await mkdir(long, { recursive: true });
    await symlink('/elsewhere/mailbox', join(long, 'z'.repeat(200)));
    const { skippedHash } = await trees.seed('delta');
    const told = await list();
    expect(told).toEqual({
      ...{ hash: skippedHash, count: 2, missing: 2 },
      reasons: { LINK_OUTSIDE: { count: 2, mailbox: 'example.com/ann', example: 'example.com/ann/outside' } },
      file: join(trees.context.agent.config.stateDir, 'transfer/mail/skipped.jsonl'),
    });
    expect(JSON.stringify(told).length).toBeLessThan(2_000);
    await rm(join(trees.old, 'example.com/ann/outside'));
    await rm(join(trees.old, 'example.com/bob'), { recursive: true });
    await trees.seed('delta');
    expect(await list()).toBeNull();
  });
});
