import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { reverseTree } from '../../src/activities/copy-shard.js';
import { treeFinal } from '../../src/activities/tree-final.js';
import { treeSeeded } from '../../src/activities/tree-seeded.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { ensureStarted, runningModules } from '../../src/icewarp/control.js';
import { mailTree } from '../../src/icewarp/mail-tree.js';
import { engineOf } from '../../src/transfer/engine-record.js';
import { writeLimits } from '../../src/transfer/limits.js';
import { SENTINEL_NAME as MARK } from '../../src/transfer/names.js';
import { NodeTrees, removeAll, rewriteQuietly } from '../support/node-trees.js';
import { filesIn } from '../transfer/way-back.js';

let trees: NodeTrees;

beforeEach(async () => {
  trees = await NodeTrees.make();
  await trees.write(trees.old, {
    'example.com/ann/inbox/1.imap': 'first',
    'example.com/ann/inbox/2.imap': 'second',
    'example.com/ann/inbox/flags.dat': 'seen: no',
    'example.com/bob/inbox/3.imap': 'third',
    'example.com/bob/old/4.imap': 'fourth',
  });
});
afterEach(() => trees.remove());

const quarantine = (): string => `${trees.old}.icewarp-rollout-quarantine`;

/** All but the engine's mark, which counts its passes. */
function everythingIn(root: string): [string, string][] {
  return [...filesIn(root)].filter(([path]) => path !== MARK).sort();
}

/** The same without queues. */
function mailIn(root: string): [string, string][] {
  return everythingIn(root).filter(([path]) => !path.startsWith('_'));
}

/** As users would: new mail, a deletion, a move, flags in place. */
async function work(): Promise<void> {
  await trees.write(trees.share, { 'example.com/ann/inbox/5.imap': 'fifth', '_outgoing/6.dat': 'of the node' });
  await removeAll(trees.share, 'example.com/ann/inbox/1.imap');
  await mkdir(join(trees.share, 'example.com/ann/trash'));
  const [inbox, trash] = ['inbox', 'trash'].map((name) => join(trees.share, 'example.com/ann', name, '2.imap'));
  await rename(inbox ?? '', trash ?? '');
  await rename(join(trees.share, 'example.com/bob/old'), join(trees.share, 'example.com/bob/new'));
  await rewriteQuietly(join(trees.share, 'example.com/ann/inbox/flags.dat'), 'seen: on');
}

describe('the way back of a tree that users have worked with', () => {
  it('takes new mail, deletions, moves and flags to the old tree, and deletes nothing for good', async () => {
    await trees.moved();
    await work();
    await trees.switchedBack();
    await ensureStarted(trees.desired.directory, trees.context.signal);
    const onShare = everythingIn(trees.share);
    const note = join(trees.context.agent.config.stateDir, 'old-mail.json');
    const final = await readFile(note);
    const kept = await trees.back();
    expect(mailIn(trees.old)).toEqual(mailIn(trees.share));
    expect(everythingIn(trees.share)).toEqual(onShare);
    expect(existsSync(join(trees.old, '_outgoing/6.dat'))).toBe(false);
    expect(await runningModules(trees.desired.directory)).toEqual([]);
    expect([...filesIn(quarantine())].sort()).toEqual([
      ['example.com/ann/inbox/1.imap', 'first'],
      ['example.com/ann/inbox/2.imap', 'second'],
      ['example.com/ann/inbox/flags.dat', 'seen: no'],
      ['example.com/bob/old/4.imap', 'fourth'],
    ]);
    expect(kept).toEqual([
      `${quarantine()} keeps 4 files that the way back replaced or removed`,
      `${trees.share} stays as users left it`,
    ]);
    expect(await trees.back()).toEqual(kept);
    // as it is after a kill just before it forgets the final pass: the ledger's latest one is none any more
    await writeFile(note, final);
    expect(await trees.back()).toEqual(kept);
    expect(mailIn(trees.old)).toEqual(mailIn(trees.share));
    expect(await treeSeeded.restore(trees.desired, null, trees.context)).toEqual([
      expect.stringContaining(trees.share),
    ]);
    expect(everythingIn(trees.share)).toEqual(onShare);
  });

  it('lets a new move go on with the copy that is there', async () => {
    await trees.moved();
    await work();
    await trees.switchedBack();
    await trees.back();
    // on the old tree again: what came back is changed and deleted
    await writeFile(join(trees.old, 'example.com/ann/inbox/5.imap'), 'fifth, read');
    await removeAll(trees.old, 'example.com/ann/trash/2.imap');
    await writeFile(join(trees.old, 'example.com/ann/inbox/flags.dat'), 'seen: 5!');
    expect(await trees.seed('delta')).toMatchObject({ outcome: 'done', skipped: 0 });
    await treeFinal.apply(trees.desired, trees.context);
    expect(mailIn(trees.share)).toEqual(mailIn(trees.old));
    // which is put back before users come: what they once worked with is not deleted
    const onShare = everythingIn(trees.share);
    await treeFinal.restore(trees.desired, null, trees.context);
    await treeSeeded.restore(trees.desired, null, trees.context);
    expect(everythingIn(trees.share)).toEqual(onShare);
  });

  it('brings what times do not tell of, and tells what changed on both sides and what only the old tree has', async () => {
    await trees.moved();
    await rewriteQuietly(join(trees.share, 'example.com/bob/old/4.imap'), 'FOURTH');
    await writeFile(join(trees.share, 'example.com/bob/inbox/3.imap'), 'of the share');
    await writeFile(join(trees.old, 'example.com/bob/inbox/3.imap'), 'of the old tree');
    await writeFile(join(trees.old, 'example.com/bob/inbox/7.imap'), 'only here');
    await trees.switchedBack();
    const kept = await trees.back();
    expect(kept).toEqual([
      expect.stringMatching(/^1 files had changed in .* too, such as example\.com\/bob\/inbox\/3\.imap/),
      expect.stringMatching(/keeps 1 files that the share has not, such as example\.com\/bob\/inbox\/7\.imap$/),
      expect.stringContaining('keeps 2 files that the way back replaced'),
      expect.stringContaining('stays as users left it'),
    ]);
    expect(await readFile(join(trees.old, 'example.com/bob/old/4.imap'), 'utf8')).toBe('FOURTH');
    expect(await readFile(join(trees.old, 'example.com/bob/inbox/3.imap'), 'utf8')).toBe('of the share');
    expect(await readFile(join(quarantine(), 'example.com/bob/inbox/3.imap'), 'utf8')).toBe('of the old tree');
  });

  it('tells what changed on both sides also when it was killed after it had replaced that', async () => {
    await trees.moved();
    await writeFile(join(trees.share, 'example.com/bob/inbox/3.imap'), 'of the share');
    await writeFile(join(trees.old, 'example.com/bob/inbox/3.imap'), 'of the old tree');
    await rewriteQuietly(join(trees.share, 'example.com/ann/inbox/flags.dat'), 'seen: on');
    await trees.switchedBack();
    const { context, desired, old } = trees;
    const { stateDir } = context.agent.config;
    // its pass has ended, and the agent is gone before it could note what that found
    const tree = mailTree('mail', old, desired.to, 'quiet', desired.owner);
    await reverseTree({ tree, quarantine: quarantine() }, { stateDir, signal: context.signal, tell: () => undefined });
    const kept = await trees.back();
    expect(kept).toContainEqual(
      expect.stringMatching(/^1 files had changed in .* too, such as example\.com\/bob\/inbox\/3\.imap/),
    );
  });

  it('is refused while IceWarp still uses the share, or the share is not mounted', async () => {
    await trees.moved();
    await expect(trees.back()).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    await trees.switchedBack();
    await rm(join(trees.desired.mount, SENTINEL));
    await expect(trees.back()).rejects.toMatchObject({ code: 'SHARE_NOT_MOUNTED' });
    expect(mailIn(trees.old)).toHaveLength(5);
  });

  it('is held where more was deleted than is taken out without being asked', async () => {
    const many = Array.from({ length: 1_001 }, (_, index) => [`example.com/bob/list/${index}.imap`, 'x']);
    await trees.write(trees.old, Object.fromEntries(many) as Record<string, string>);
    await trees.moved();
    await removeAll(trees.share, 'example.com/bob/list');
    await writeFile(join(trees.share, 'example.com/ann/inbox/8.imap'), 'came in');
    await trees.switchedBack();
    await expect(trees.back()).rejects.toMatchObject({
      code: 'TOO_MUCH_GONE',
      message: expect.stringMatching(
        /1001 files would be deleted.*icewarp-rollout transfer reverse --ledger \S+ --quarantine \S+ --exclude/,
      ) as unknown,
    });
    expect(await readdir(join(trees.old, 'example.com/bob/list'))).toHaveLength(1_001);
    expect(await readFile(join(trees.old, 'example.com/ann/inbox/8.imap'), 'utf8')).toBe('came in');
    // the command that the message names, and then the same once more
    const { context, desired, old } = trees;
    const tree = { ...mailTree('mail', old, desired.to, 'quiet'), maxDelete: 1_001 };
    const { stateDir } = context.agent.config;
    await reverseTree({ tree, quarantine: quarantine() }, { stateDir, signal: context.signal, tell: () => undefined });
    await trees.back();
    expect(mailIn(trees.old)).toEqual(mailIn(trees.share));
    expect(await trees.seed('delta')).toMatchObject({ outcome: 'done', deleted: 0, skipped: 0 });
  });

  it('keeps what it replaces inside the old tree where that is a file system of its own', async () => {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', trees.old]);
    try {
      await trees.write(trees.old, {
        'example.com/ann/inbox/1.imap': 'first',
        'example.com/ann/inbox/2.imap': 'second',
      });
      await trees.moved();
      await removeAll(trees.share, 'example.com/ann/inbox/1.imap');
      await trees.switchedBack();
      await trees.back();
      const inside = join(trees.old, '.icewarp-rollout-quarantine');
      expect([...filesIn(inside)]).toEqual([['example.com/ann/inbox/1.imap', 'first']]);
      // which is no part of the tree for the next move
      await treeFinal.apply(trees.desired, trees.context);
      expect(mailIn(trees.share)).toEqual([['example.com/ann/inbox/2.imap', 'second']]);
    } finally {
      execFileSync('umount', [trees.old]);
    }
  });

  it('that is killed goes on, with the same end', async () => {
    const many = Array.from({ length: 120 }, (_, index) => [`example.com/bob/list/${index}.imap`, `before ${index}`]);
    await trees.write(trees.old, Object.fromEntries(many) as Record<string, string>);
    await trees.moved();
    await work();
    for (let index = 0; index < 120; index += 2) {
      const file = join(trees.share, `example.com/bob/list/${index}.imap`);
      if (index % 4 === 0) await rm(file);
      else await writeFile(file, `after ${index}`);
    }
    await trees.switchedBack();
    const ledger = join(trees.context.agent.config.stateDir, 'transfer/mail');
    await writeLimits(ledger, { files: 40 });
    const killed = trees.back().catch((error: unknown) => error);
    const replaced = (): number => filesIn(join(quarantine(), 'example.com/bob/list')).size;
    while (replaced() < 5) await sleep(5);
    // SIGKILL, as if the agent and all that it started were gone
    const engine = await engineOf(ledger);
    if (engine === null) throw new Error('it had ended already');
    process.kill(-engine.child.pid, 'SIGKILL');
    expect(await killed).toMatchObject({ code: 'ENGINE_DIED' });
    await writeLimits(ledger, {});
    await trees.back();
    expect(mailIn(trees.old)).toEqual(mailIn(trees.share));
    // one that was being replaced may be kept twice
    expect(filesIn(join(quarantine(), 'example.com/bob/list')).size).toBeGreaterThanOrEqual(60);
  });
});
