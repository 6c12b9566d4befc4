import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { mailAccounts, type MailAccountsDesired } from '../../src/activities/mail-accounts.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

describe('the first accounts', () => {
  let context: TestContext;
  let icewarp: FakeIceWarp;
  let desired: MailAccountsDesired;
  const kept = (part: string, name: string): Promise<string> => readFile(join(icewarp.directory, part, name), 'utf8');

  beforeEach(async () => {
    context = await testContext({ admin: 'canary-admin', probe: 'canary-probe' });
    icewarp = await fakeIceWarp(join(context.folder, 'icewarp'));
    const mount = join(context.folder, 'mnt');
    await mkdir(mount);
    await writeFile(join(mount, SENTINEL), sentinelText('test'));
    desired = {
      directory: icewarp.directory,
      mount,
      cluster: 'test',
      domain: 'example.com',
      administrator: { name: 'admin', password: { secret: 'admin' } },
      probes: [{ name: 'probe', password: { secret: 'probe' } }],
    };
  });
  afterEach(() => context.remove());

  it('are made with their domain, and then there is nothing to do', async () => {
    await mailAccounts.apply(desired, context);
    expect(await kept('account', 'admin@example.com')).toBe('1');
    expect(await kept('account', 'probe@example.com')).toBe('0');
    expect(await kept('passwords', 'probe@example.com')).toBe('canary-probe');
    const after = await mailAccounts.observe(desired, context);
    expect(mailAccounts.diff(desired, after)).toEqual([]);
    expect(JSON.stringify(after)).not.toContain('canary');
  });

  it('keep the password that they have when they were there before', async () => {
    await writeFile(join(icewarp.directory, 'domain/example.com'), '');
    await writeFile(join(icewarp.directory, 'account/probe@example.com'), '0');
    await mailAccounts.apply(desired, context);
    await expect(kept('passwords', 'probe@example.com')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('get their password when a first attempt was cut short after making them', async () => {
    await mkdir(context.agent.config.stateDir, { recursive: true });
    await writeFile(join(context.agent.config.stateDir, 'mail-accounts.json'), '["admin","probe"]');
    await writeFile(join(icewarp.directory, 'domain/example.com'), '');
    await writeFile(join(icewarp.directory, 'account/probe@example.com'), '0');
    await mailAccounts.apply(desired, context);
    expect(await kept('passwords', 'probe@example.com')).toBe('canary-probe');
  });

  it('go away again, and only they', async () => {
    await writeFile(join(icewarp.directory, 'domain/example.com'), '');
    await writeFile(join(icewarp.directory, 'account/admin@example.com'), '0');
    const before = await mailAccounts.observe(desired, context);
    await mailAccounts.apply(desired, context);
    expect(await mailAccounts.restore(desired, before, context)).toEqual([]);
    expect(await mailAccounts.observe(desired, context)).toEqual(before);
  });

  it('take the mailboxes of the probes with them, and leave the administrator’s', async () => {
    const mail = join(context.folder, 'mail');
    for (const name of ['admin', 'probe']) await mkdir(join(mail, 'example.com', name, 'inbox'), { recursive: true });
    const before = await mailAccounts.observe(desired, context);
    await mailAccounts.apply(desired, context);
    await mailAccounts.restore({ ...desired, folders: [`${mail}/`] }, before, context);
    expect(await readdir(join(mail, 'example.com'))).toEqual(['admin']);
  });

  it('take their old messages out of the former mail folder, and nobody else’s mail', async () => {
    const mail = join(context.folder, 'old/example.com');
    await icewarp.put('C_System_Storage_Dir_MailPath', join(context.folder, 'old/'));
    const planted = 'From: <probe@example.com>\r\nSubject: icewarp-rollout old message\r\n\r\nx\r\n';
    const put = async (path: string, text: string): Promise<void> => {
      await mkdir(join(mail, path, '..'), { recursive: true });
      await writeFile(join(mail, path), text);
    };
    for (const [path, text] of [
      ['probe/inbox/1.imap', planted],
      ['probe/inbox/index', 'no message'],
      ['admin/inbox/2.imap', planted],
    ] as const)
      await put(path, text);
    const before = await mailAccounts.observe(desired, context);
    await mailAccounts.apply(desired, context);
    await mailAccounts.restore(desired, before, context);
    expect(await readdir(mail)).toEqual(['admin']);

    await put('probe/inbox/1.imap', planted);
    await put('probe/inbox/3.imap', 'Received: from somewhere\r\nSubject: a user’s own\r\n\r\nhello\r\n');
    await mailAccounts.apply(desired, context);
    await mailAccounts.restore(desired, before, context);
    expect(await readdir(join(mail, 'probe/inbox'))).toEqual(['3.imap']);
  });

  it('are neither made nor taken back while the share is not mounted, so that no mailbox is overlooked', async () => {
    const sentinel = join(desired.mount, SENTINEL);
    const before = await mailAccounts.observe(desired, context);
    await rm(sentinel);
    await expect(mailAccounts.apply(desired, context)).rejects.toMatchObject({ code: 'SHARE_NOT_MOUNTED' });
    expect(await mailAccounts.observe(desired, context)).toEqual(before);
    await writeFile(sentinel, sentinelText('test'));
    await mailAccounts.apply(desired, context);
    await writeFile(sentinel, sentinelText('another'));
    await expect(mailAccounts.restore(desired, before, context)).rejects.toMatchObject({ code: 'SHARE_NOT_MOUNTED' });
    expect(await kept('account', 'probe@example.com')).toBe('0');
  });

  it('leave the domain where others have accounts in it by now', async () => {
    const before = await mailAccounts.observe(desired, context);
    await mailAccounts.apply(desired, context);
    await writeFile(join(icewarp.directory, 'account/someone@example.com'), '0');
    const sentences = await mailAccounts.restore(desired, before, context);
    expect(sentences).toEqual([expect.stringContaining('someone@example.com')]);
    expect(await kept('account', 'someone@example.com')).toBe('0');
  });
});
