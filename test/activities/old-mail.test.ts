import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { lstat, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { oldMail, type OldMailDesired } from '../../src/activities/old-mail.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

describe('old mail', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: OldMailDesired;
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
    desired = { directory, what: 'mail', to: `${share}/`, owner: { uid: 1234, gid: 1235 } };
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
    expect(await readdir(share)).toEqual(['example.com']);
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
  });

  it('is not there once the mail folder in force is on the share, or holds nothing', async () => {
    await icewarp.put('C_System_Storage_Dir_MailPath', `${share}/`);
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
    await icewarp.put('C_System_Storage_Dir_MailPath', 'nothing/');
    expect(oldMail.diff(desired, await oldMail.observe(desired, context))).toEqual([]);
  });

  it.each(['mail/_outgoing/retry/1.dat', 'mail/_incoming/1.dat', 'queue/1.dat'])(
    'is refused while a message waits in %s',
    async (waiting) => {
      await writeFile(join(icewarp.directory, 'path.dat'), `${'\n'.repeat(12)}${icewarp.directory}/queue/\n`);
      await mkdir(join(icewarp.directory, waiting, '..'), { recursive: true });
      await writeFile(join(icewarp.directory, waiting), 'x');
      await expect(oldMail.apply(desired, context)).rejects.toMatchObject({ code: 'QUEUE_NOT_EMPTY' });
      expect(await readdir(share)).toEqual([]);
    },
  );

  it('never replaces mail that is on the share already', async () => {
    await mkdir(join(share, 'example.com/user/inbox'), { recursive: true });
    await writeFile(message(), 'another message');
    await expect(oldMail.apply(desired, context)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
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
    await mkdir(join(share, 'example.com'), { recursive: true });
    await writeFile(join(share, 'example.com/theirs'), 'x');
    const before = await oldMail.observe(desired, context);
    await oldMail.apply(desired, context);
    expect(await oldMail.restore(desired, before, context)).toEqual([]);
    expect(await oldMail.restore(desired, before, context)).toEqual([]);
    expect(await readdir(share, { recursive: true })).toEqual(['example.com', 'example.com/theirs']);
    expect(await readFile(join(mail, 'example.com/user/inbox/20200101.imap'), 'utf8')).toBe('a message');
    expect(await oldMail.observe(desired, context)).toEqual(before);
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
