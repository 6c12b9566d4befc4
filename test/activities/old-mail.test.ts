import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chown, cp, lstat, mkdir, readFile, readdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { copyShard } from '../../src/activities/copy-shard.js';
import { assertOldMailCopied, oldMail } from '../../src/activities/old-mail.js';
import type { TreeDesired } from '../../src/activities/node-tree.js';
import { roomForMail } from '../../src/activities/room-for-mail.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { ensureStarted, MODULES, runningModules } from '../../src/icewarp/control.js';
import { mailTree } from '../../src/icewarp/mail-tree.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { SENTINEL_NAME as MARK } from '../../src/transfer/names.js';
import { canonicalChange } from '../../src/workflows/plan-identity.js';
import { testContext, type TestContext } from '../support/context.js';
import { mountExfatImage } from '../support/exfat-image.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

describe('old mail', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: TreeDesired;
  let mail: string;
  let share: string;

  beforeEach(async () => {
    context = await testContext();
    const directory = join(context.folder, 'icewarp');
    share = join(context.folder, 'share/mail');
    mail = join(directory, 'mail');
    icewarp = await fakeIceWarp(directory, { C_System_Storage_Dir_MailPath: 'mail/' });
    await mkdir(join(mail, 'example.com/user/inbox'), { recursive: true });
    await mkdir(join(mail, '_outgoing/retry'), { recursive: true });
    await mkdir(share, { recursive: true });
    await writeFile(join(mail, 'example.com/user/inbox/20200101.imap'), 'a message');
    const mount = join(context.folder, 'share');
    await writeFile(join(mount, SENTINEL), sentinelText('test'));
    desired = { directory, mount, cluster: 'test', what: 'mail', to: `${share}/`, owner: { uid: 1234, gid: 1235 } };
  });
  afterEach(async () => {
    await icewarp.stop();
    await context.remove();
  });

  const message = (): string => join(share, 'example.com/user/inbox/20200101.imap');

  it('is copied to the share, without the queues, and then there is nothing to do', async () => {
    const before = await oldMail.observe(desired, context);
    expect(oldMail.diff(desired, before)).toEqual([expect.objectContaining({ after: '1 files, 9 bytes' })]);
    await oldMail.apply(desired, context);
    expect(await readFile(message(), 'utf8')).toBe('a message');
    expect(await lstat(message())).toMatchObject({ uid: 1234, gid: 1235 });
    expect((await readdir(share)).sort()).toEqual([MARK, 'example.com']);
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
  });

  it('differs for no saved plan when mail comes in meanwhile', async () => {
    const looks = [oldMail.diff(desired, await oldMail.observe(desired, context))];
    await writeFile(join(mail, 'example.com/user/inbox/20200102.imap'), 'one more');
    looks.push(oldMail.diff(desired, await oldMail.observe(desired, context)));
    const words = looks.map(([change]) => `${change?.before} → ${change?.after}`);
    expect(words).toEqual(['not there → 1 files, 9 bytes', 'not there → 2 files, 17 bytes']);
    expect(new Set(looks.map((changes) => changes.map(canonicalChange).join())).size).toBe(1);
  });

  it('is not there once the mail folder in force is on the share, or holds nothing', async () => {
    await icewarp.put('C_System_Storage_Dir_MailPath', `${share}/`);
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
    await icewarp.put('C_System_Storage_Dir_MailPath', 'nothing/');
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
  });

  it('is not begun when the share has no room for it', async () => {
    // a sparse file: large to whoever asks, and on no disk
    await truncate(join(mail, 'example.com/user/inbox/20200101.imap'), 8 * 2 ** 40);
    await expect(roomForMail.run(desired, context)).rejects.toMatchObject({
      code: 'SHARE_FULL',
      message: expect.stringContaining(`the old mail has ${8 * 2 ** 40} bytes and 1 files`) as unknown,
    });
    await truncate(join(mail, 'example.com/user/inbox/20200101.imap'), 9);
    await roomForMail.run(desired, context);
    expect(await readdir(share)).toEqual([]);
  });

  it('is copied without what waits in the queues, which moves afterwards', async () => {
    for (const waiting of ['_outgoing/retry/1.dat', '_outgoing.icewarp-rollout-moved-1/2.dat']) {
      await mkdir(join(mail, waiting, '..'), { recursive: true });
      await writeFile(join(mail, waiting), 'x');
    }
    await oldMail.apply(desired, context);
    expect((await readdir(share)).sort()).toEqual([MARK, 'example.com']);
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
  });

  it('is not begun when the share does not hold its names', async () => {
    const small = mountExfatImage(join(context.folder, 'image'), share, desired.owner);
    try {
      const user = join(mail, 'example.com/user');
      for (const name of ['Sent', 'SENT', 'a:b', 'c:d', 'e|f']) await mkdir(join(user, name));
      await mkdir(Buffer.concat([Buffer.from(`${user}/latin-`), Buffer.from([0xe9])]));
      await expect(roomForMail.run(desired, context)).rejects.toMatchObject({
        code: 'SHARE_UNFIT',
        message:
          `${share}/ does not hold the names of the old mail: names with ":" are refused or changed (2 here); ` +
          'also names with "|" are refused or changed (1 here); names that are no UTF-8 are refused or changed ' +
          '(1 here); names that differ by case only are one (1 here)',
      });
      expect(await readdir(share)).toEqual([]);
    } finally {
      await small.close();
    }
  });

  it('with any names is begun where the share holds them, and its amount is told', async () => {
    await chown(share, desired.owner.uid, desired.owner.gid);
    await writeFile(join(mail, 'example.com/user/inbox', `${'x'.repeat(240)}: *`), '1234');
    await expect(roomForMail.run(desired, context)).resolves.toMatchObject({ files: 2, bytes: 13 });
    expect(await readdir(share)).toEqual([]);
  });

  it.each(['apply', 'restore'] as const)('is nothing to %s while the share is not mounted', async (verb) => {
    const before = await oldMail.observe(desired, context);
    if (verb === 'restore') await oldMail.apply(desired, context);
    await rm(join(desired.mount, SENTINEL));
    const work = verb === 'apply' ? oldMail.apply(desired, context) : oldMail.restore(desired, before, context);
    await expect(work).rejects.toMatchObject({ code: 'SHARE_NOT_MOUNTED' });
    await writeFile(join(desired.mount, SENTINEL), sentinelText('test'));
    if (verb === 'restore') expect(await oldMail.restore(desired, before, context)).toEqual([]);
    expect(await readdir(share)).toEqual([]);
  });

  describe('before its folder is switched', () => {
    const inbox = (): string => join(mail, 'example.com/user/inbox');
    const check = (): Promise<void> => assertOldMailCopied(desired.directory, 'mail', desired.to, context);

    it.each(['_outgoing/retry/1.dat', '_incoming/1.dat'])('is refused while a message waits in %s', async (waiting) => {
      await mkdir(join(mail, waiting, '..'), { recursive: true });
      await writeFile(join(mail, waiting), 'x');
      await ensureStarted(desired.directory, context.signal);
      const smtp = await readFile(join(desired.directory, 'var/smtp.pid'), 'utf8');
      await expect(check()).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
      // only it can empty its queue
      expect(await readFile(join(desired.directory, 'var/smtp.pid'), 'utf8')).toBe(smtp);
    });

    it('starts a server again that put mail into its queue while it was stopped', async () => {
      const script = join(desired.directory, 'icewarpd.sh');
      const text = await readFile(script, 'utf8');
      await writeFile(script, text.replace('--stop)', `--stop) : > '${mail}/_outgoing/late.dat';`));
      await ensureStarted(desired.directory, context.signal);
      await expect(check()).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
      expect(await runningModules(desired.directory)).toEqual(MODULES);
    });

    it('is stopped, and completed by what came in, was moved, and was written over since', async () => {
      await writeFile(join(inbox(), 'flags.dat'), 'old');
      await writeFile(join(inbox(), '20200103.imap'), 'moved');
      await oldMail.apply(desired, context);
      await ensureStarted(desired.directory, context.signal);
      await writeFile(join(inbox(), '20200102.imap'), 'one more');
      await writeFile(join(inbox(), 'flags.dat'), 'new');
      await mkdir(join(mail, 'example.com/user/trash'));
      await rename(join(inbox(), '20200103.imap'), join(mail, 'example.com/user/trash/20200103.imap'));
      await check();
      expect(await runningModules(desired.directory)).toEqual([]);
      expect(await readdir(join(share, 'example.com/user/inbox'))).toEqual([
        '20200101.imap',
        '20200102.imap',
        'flags.dat',
      ]);
      expect(await readFile(join(share, 'example.com/user/inbox/flags.dat'), 'utf8')).toBe('new');
      expect(await readdir(join(share, 'example.com/user/trash'))).toEqual(['20200103.imap']);
      expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
    });

    it('is noticed when a message was only moved, which changes neither count nor bytes', async () => {
      await oldMail.apply(desired, context);
      await mkdir(join(mail, 'example.com/user/trash'));
      await rename(join(inbox(), '20200101.imap'), join(mail, 'example.com/user/trash/20200101.imap'));
      expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toHaveLength(1);
    });

    it('is copied for the owner of the share’s folder when there was none at first', async () => {
      await rm(join(mail, 'example.com'), { recursive: true });
      await oldMail.apply(desired, context);
      await check();
      await mkdir(inbox(), { recursive: true });
      await writeFile(join(inbox(), '20200101.imap'), 'first');
      await check();
      expect(await readFile(message(), 'utf8')).toBe('first');
    });

    it('is never copied over what somebody wrote on the share since', async () => {
      await oldMail.apply(desired, context);
      await writeFile(message(), 'theirs');
      await writeFile(join(inbox(), '20200101.imap'), 'a message, flagged');
      await expect(check()).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
      expect(await readFile(message(), 'utf8')).toBe('theirs');
    });

    it('is nothing to stop for once the switch is done', async () => {
      await icewarp.put('C_System_Storage_Dir_MailPath', desired.to);
      await ensureStarted(desired.directory, context.signal);
      await check();
      expect(await runningModules(desired.directory)).toEqual(MODULES);
    });

    it('is refused while the share is not mounted', async () => {
      await rm(join(desired.mount, SENTINEL));
      await expect(check()).rejects.toMatchObject({ code: 'SHARE_NOT_MOUNTED' });
    });
  });

  it('never goes where mail of somebody else is already', async () => {
    await mkdir(join(share, 'example.com/user/inbox'), { recursive: true });
    await writeFile(message(), 'another message');
    await expect(oldMail.apply(desired, context)).rejects.toMatchObject({ code: 'DESTINATION_OTHER' });
    expect(await readFile(message(), 'utf8')).toBe('another message');
  });

  it('is copied again when more has come in since', async () => {
    await oldMail.apply(desired, context);
    await writeFile(join(mail, 'example.com/user/inbox/20200102.imap'), 'one more');
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toHaveLength(1);
    await oldMail.apply(desired, context);
    expect(await readdir(join(share, 'example.com/user/inbox'))).toHaveLength(2);
  });

  it('leaves the share as it was, and stays where it came from', async () => {
    const before = await oldMail.observe(desired, context);
    await oldMail.apply(desired, context);
    expect(await oldMail.restore(desired, before, context)).toEqual([]);
    expect(await oldMail.restore(desired, before, context)).toEqual([]);
    expect(await readdir(share)).toEqual([]);
    expect(await readdir(context.agent.config.stateDir)).not.toContain('transfer');
    expect(await readFile(join(mail, 'example.com/user/inbox/20200101.imap'), 'utf8')).toBe('a message');
    expect(await oldMail.observe(desired, context)).toEqual(before);
  });

  it('is taken away as well when only its first copy was made', async () => {
    const before = await oldMail.observe(desired, context);
    const tree = mailTree('mail', mail, desired.to, 'live', desired.owner);
    const { stateDir } = context.agent.config;
    await copyShard({ tree, kind: 'seed' }, { stateDir, signal: context.signal, tell: () => undefined });
    expect(await readFile(message(), 'utf8')).toBe('a message');
    expect(await oldMail.restore(desired, before, context)).toEqual([]);
    expect(await readdir(share)).toEqual([]);
  });

  it('is given up although the way back was cut off when the mark was gone already', async () => {
    const before = await oldMail.observe(desired, context);
    await oldMail.apply(desired, context);
    const ledger = join(context.agent.config.stateDir, 'transfer/mail');
    await cp(ledger, join(context.folder, 'kept'), { recursive: true });
    await oldMail.restore(desired, before, context);
    // as it is after a kill between the two: nothing on the share, and the ledger still there
    await cp(join(context.folder, 'kept'), ledger, { recursive: true });
    await writeFile(join(ledger, 'withdrawn.json'), JSON.stringify({ outcome: 'done', skipped: 0 }));
    expect(await oldMail.restore(desired, before, context)).toEqual([]);
    expect(await readdir(context.agent.config.stateDir)).not.toContain('transfer');
  });

  it('leaves its databases for the time when the services are stopped', async () => {
    await writeFile(join(mail, 'example.com/user/cache.db'), 'a database');
    const { stateDir } = context.agent.config;
    const tree = mailTree('mail', mail, desired.to, 'live', desired.owner);
    await copyShard({ tree, kind: 'seed' }, { stateDir, signal: context.signal, tell: () => undefined });
    expect(await readdir(join(share, 'example.com/user'))).toEqual(['inbox']);
    await oldMail.apply(desired, context);
    expect(await readFile(join(share, 'example.com/user/cache.db'), 'utf8')).toBe('a database');
  });

  it('fails with the list of what could not be copied', async () => {
    await symlink('/elsewhere/mailbox', join(mail, 'example.com/outside'));
    await expect(oldMail.apply(desired, context)).rejects.toMatchObject({
      code: 'COPY_INCOMPLETE',
      message: expect.stringMatching(
        /LINK_OUTSIDE 1, such as example\.com\/outside; all are listed in .*skipped\.jsonl/,
      ),
    });
    await rm(join(mail, 'example.com/outside'));
    await oldMail.apply(desired, context);
    expect(await readFile(message(), 'utf8')).toBe('a message');
  });

  it('keeps what changed on the share, and what came in there', async () => {
    const before = await oldMail.observe(desired, context);
    await oldMail.apply(desired, context);
    await writeFile(message(), 'read by now');
    await writeFile(join(share, 'example.com/user/inbox/new.imap'), 'new mail');
    const kept = await oldMail.restore(desired, before, context);
    expect(kept).toEqual([expect.stringContaining('20200101.imap')]);
    expect(await readdir(join(share, 'example.com/user/inbox'))).toHaveLength(2);
  });
});
