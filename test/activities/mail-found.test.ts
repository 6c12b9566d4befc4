import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { mailFound, shareInventory, type MailFoundInput } from '../../src/activities/mail-found.js';
import { oldMail } from '../../src/activities/old-mail.js';
import type { TreeDesired } from '../../src/activities/node-tree.js';
import { SENTINEL } from '../../src/cluster/names.js';
import { ensureStarted } from '../../src/icewarp/control.js';
import { sentinelText } from '../../src/platform/sentinel.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

const OWNER = { uid: 4711, gid: 4711 };
const FLAGS = 'example.com/ada/inbox/flags.dat';

/** A node that moves its mail, and two contexts: that node's and another one's, each with a disk of its own. */
describe('old mail that moved', () => {
  let maker: TestContext;
  let other: TestContext;
  let icewarp: FakeIceWarp;
  let desired: TreeDesired;
  let share: string;

  beforeEach(async () => {
    maker = await testContext();
    other = await testContext();
    const directory = join(maker.folder, 'icewarp');
    share = join(maker.folder, 'share');
    icewarp = await fakeIceWarp(directory, { C_System_Storage_Dir_MailPath: 'mail/' });
    for (const folder of ['share/mail', '_yodaidx']) await mkdir(join(share, folder), { recursive: true });
    await writeFile(join(share, SENTINEL), sentinelText('test'));
    await chown(join(share, '_yodaidx'), OWNER.uid, OWNER.gid);
    await chmod(join(share, '_yodaidx'), 0o750);
    for (const [user, count] of [
      ['ada', 3],
      ['bob', 2],
    ] as const) {
      for (let message = 1; message <= count; message += 1) {
        await put(`example.com/${user}/inbox/2020010${message}.imap`, `Subject: ${user} ${message}\r\n\r\nhello\r\n`);
      }
    }
    await put(FLAGS, 'S-F');
    await put('_outgoing/retry/1.dat', 'waits').then(() => rm(join(directory, 'mail/_outgoing'), { recursive: true }));
    const to = join(share, 'share/mail/');
    desired = { directory, mount: share, cluster: 'test', what: 'mail', to, owner: OWNER };
    await oldMail.apply(desired, maker);
  });

  afterEach(async () => {
    await icewarp.stop();
    await maker.remove();
    await other.remove();
  });

  async function put(path: string, text: string): Promise<void> {
    const file = join(maker.folder, 'icewarp/mail', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  const input = (change: Partial<MailFoundInput> = {}): MailFoundInput => ({
    what: 'mail',
    to: desired.to,
    mount: share,
    cluster: 'test',
    owner: OWNER,
    pass: join(share, '_yodaidx/'),
    own: false,
    ...change,
  });
  const seen = (change: Partial<MailFoundInput> = {}) => mailFound.run(input(change), other);
  const onShare = (path: string): string => join(desired.to, path);
  const shareList = () => shareInventory.run(input({ own: true }), maker);

  it('is counted per mailbox with the services stopped, and read by every node as the mail server’s user', async () => {
    expect(await shareList()).toMatchObject({ mailboxes: 2, files: 6, sampled: 6 });
    expect(await seen()).toEqual({ mailboxes: 2, unseen: 0, sampled: 6 });
    const [list = ''] = await readdir(join(share, '_yodaidx'));
    const { mode, uid } = await stat(join(share, '_yodaidx', list));
    expect([(mode & 0o777).toString(8), uid]).toEqual(['600', OWNER.uid]);
    await mailFound.run(input({ own: true }), maker);
    expect(await readdir(join(share, '_yodaidx'))).toEqual([]);
    // a retry after it was taken away
    await mailFound.run(input({ own: true }), maker);
  });

  it('may have grown meanwhile', async () => {
    await shareList();
    await cp(onShare('example.com/bob/inbox/20200101.imap'), onShare('example.com/bob/inbox/20200109.imap'));
    expect(await seen()).toMatchObject({ mailboxes: 2 });
  });

  it('is missed by a node that reads another folder, as without the share', async () => {
    await shareList();
    const elsewhere = join(other.folder, 'mail');
    await mkdir(elsewhere);
    await expect(seen({ to: elsewhere })).rejects.toMatchObject({
      code: 'MAIL_MISSING',
      message: expect.stringContaining('example.com/ada: 0 files, 0 bytes, before the move 4 files, ') as unknown,
    });
  }, 30_000);

  it('is missed where one message is gone, and the list on that node has it', async () => {
    await shareList();
    await rm(onShare('example.com/bob/inbox/20200102.imap'));
    await expect(seen()).rejects.toMatchObject({
      message: expect.stringMatching(/^2 mailboxes or files .*example\.com\/bob: 1 files/) as unknown,
    });
    const losses = await readFile(join(other.agent.config.stateDir, 'inventory-mail-losses.jsonl'), 'utf8');
    expect(losses).toContain('"what":"example.com/bob/inbox/20200102.imap"');
    expect(losses).toContain('"now":"missing"');
  }, 30_000);

  it('is recognised by hash when a message was altered in the same length', async () => {
    await shareList();
    await overwrite('example.com/ada/inbox/20200101.imap', 'hello', 'hallo');
    await expect(seen()).rejects.toMatchObject({
      code: 'MAIL_MISSING',
      message: expect.stringMatching(
        /^1 mailboxes or files .*20200101\.imap: sha256 \w+, before the move sha256/,
      ) as unknown,
    });
  }, 30_000);

  it('is found to have lost a flag that a copy by size and time would not have noticed', async () => {
    await shareList();
    await overwrite(FLAGS, 'S-F', 'S--');
    await expect(seen()).rejects.toMatchObject({ message: expect.stringContaining('flags.dat: sha256') as unknown });
  }, 30_000);

  it('is nothing that a node can prove whose mail server’s user may not read it', async () => {
    await shareList();
    await chmod(onShare('example.com/ada'), 0o700);
    await chown(onShare('example.com/ada'), 0, 0);
    await expect(seen()).rejects.toMatchObject({
      message: expect.stringContaining('example.com/ada: 0 files') as unknown,
    });
  }, 30_000);

  it('is not looked for while the share is not mounted, nor by a list that is cut off', async () => {
    await shareList();
    const [list = ''] = await readdir(join(share, '_yodaidx'));
    const text = await readFile(join(share, '_yodaidx', list), 'utf8');
    await writeFile(join(share, '_yodaidx', list), text.slice(0, text.length / 2));
    await expect(seen()).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
    await rm(join(share, '_yodaidx', list));
    await expect(seen()).rejects.toMatchObject({ code: 'MAIL_MISSING' });
    await rm(join(share, SENTINEL));
    await expect(seen()).rejects.toMatchObject({ code: 'SHARE_NOT_MOUNTED' });
  });

  it('is counted anew when mail came in before a second final pass, and forgotten on the way back', async () => {
    await ensureStarted(desired.directory, maker.signal);
    await put('example.com/cleo/inbox/20200105.imap', 'Subject: late\r\n\r\nhello\r\n');
    await rename(
      join(maker.folder, 'icewarp/mail/example.com/bob/inbox/20200101.imap'),
      join(maker.folder, 'icewarp/mail/example.com/cleo/inbox/20200101.imap'),
    );
    await oldMail.apply(desired, maker);
    expect(await shareList()).toMatchObject({ mailboxes: 3, files: 7 });
    await seen();
    await oldMail.restore(desired, null, maker);
    expect(await readdir(maker.agent.config.stateDir)).not.toContain('inventory-mail.jsonl');
  });

  /** Changes a file as something that keeps size and times would leave it. */
  async function overwrite(path: string, from: string, to: string): Promise<void> {
    const file = onShare(path);
    const { atime, mtime } = await stat(file);
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
    await utimes(file, atime, mtime);
  }
});
