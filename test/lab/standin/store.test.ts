import { cp, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { ImapSession } from '../../../src/lab/load/imap.js';
import { runCommand } from '../../../src/platform/run.js';
import { eventually } from '../../support/eventually.js';
import { imapSubjects, PASSWORD, send } from './clients.js';
import { Sandbox } from './sandbox.js';

const NET = `127.99.${(process.pid % 200) + 1}`;
const INSIDE = 'ada@example.com';
const OUTSIDE = 'bob@example.com';
const HOME = 'opt/icewarp/mail/example.com/ada';

let folder: string;
let node: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standin-store-'));
  node = await Sandbox.start(folder, 'one', `${NET}.21`);
  await node.install('--user', 'icewarp');
  await node.tool('create', 'domain', 'example.com');
  for (const user of [INSIDE, OUTSIDE]) await node.tool('create', 'account', user, 'u_password', PASSWORD);
});

afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

const onDisk = (path: string): string => join(node.root, path);

async function session(user: string): Promise<ImapSession> {
  return ImapSession.open({ host: node.address, port: node.ports.imap, localAddress: `${NET}.70` }, user, PASSWORD);
}

async function remark(text?: string): Promise<string | undefined> {
  const imap = await session(INSIDE);
  try {
    if (text !== undefined) await imap.command(`SETMETADATA "INBOX" (/private/comment "${text}")`);
    return await imap.remark('INBOX');
  } finally {
    imap.close();
  }
}

describe('flags.dat of a stand-in', () => {
  it('is rewritten in place with equal size, and belongs to the server', async () => {
    expect(await remark()).toBeUndefined();
    expect(await remark('first')).toBe('first');
    const before = await stat(onDisk(`${HOME}/inbox/flags.dat`));
    expect(await remark('second')).toBe('second');
    const after = await stat(onDisk(`${HOME}/inbox/flags.dat`));
    expect([after.ino, after.size, after.uid]).toEqual([before.ino, before.size, 4501]);
  });

  it('is lost to a copy that trusts sizes', async () => {
    await remark('as copied first');
    const copy = join(folder, 'copy');
    await cp(onDisk(HOME), copy, { recursive: true, preserveTimestamps: true });
    await remark('as left by users');
    await node.services('--stop');
    await runCommand('rsync', ['--archive', '--size-only', `${onDisk(HOME)}/`, `${copy}/`]);
    await rm(onDisk(HOME), { recursive: true });
    await runCommand('cp', ['--archive', copy, onDisk(HOME)]);
    await node.services('--start');
    expect(await remark()).toBe('as copied first');
  });
});

describe('a mailbox outside of the mail folder', () => {
  it('is where the account’s path says, for SMTP, IMAP and the list of such mailboxes', async () => {
    await node.run('install', '-d', '-o', 'icewarp', '/srv/elsewhere');
    expect((await node.tool('set', 'account', OUTSIDE, 'U_MailboxPath', 'elsewhere/bob')).exitCode).not.toBe(0);
    await node.tool('set', 'account', OUTSIDE, 'U_MailboxPath', '/srv/elsewhere/bob');
    const { stdout } = await node.tool('export', 'account', '*@example.com', 'u_fullmailboxpath');
    expect(stdout.split('\n')).toContain(`${OUTSIDE},/srv/elsewhere/bob/,`);
    expect(await readFile(onDisk('opt/icewarp/config/externaldirs.dat'), 'utf8')).toBe('/srv/elsewhere/bob/\n');
    for (const to of [OUTSIDE, INSIDE]) expect(await send(node, { to, subject: `to ${to}` })).toBe(250);
    for (const user of [OUTSIDE, INSIDE]) {
      const came = async (): Promise<boolean> => ((await imapSubjects(node, user)) ?? []).includes(`to ${user}`);
      await eventually(`mail to ${user} can be read`, came);
    }
    expect((await stat(onDisk('srv/elsewhere/bob/inbox/cur'))).isDirectory()).toBe(true);
  });

  it('is empty on a server that does not have its folder', async () => {
    await node.services('--stop');
    await node.run('mv', '/srv/elsewhere', '/srv/hidden');
    await node.run('install', '-d', '-o', 'icewarp', '/srv/elsewhere');
    await node.services('--start');
    expect(await imapSubjects(node, OUTSIDE)).toEqual([]);
    expect(await imapSubjects(node, INSIDE)).toEqual([`to ${INSIDE}`]);
  });
});
