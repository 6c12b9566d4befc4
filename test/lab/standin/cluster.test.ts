import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { imapSubjects, PASSWORD, pause, send } from './clients.js';
import { Mariadb } from './mariadb.js';
import { Sandbox } from './sandbox.js';

const NET = `127.99.${(process.pid % 200) + 1}`;
const UID = 4501;
const USER = 'ada@example.com';
const ACCOUNTS = 'C_System_Storage_Accounts_ODBCConnString';

let folder: string;
let share: string;
let database: Mariadb;
let a: Sandbox;
let b: Sandbox;

const pathDat = (id: string, slave: string): Record<number, string> => ({
  1: '/srv/share/config/',
  4: id,
  8: '/opt/icewarp/queues/_outgoing/',
  9: '/opt/icewarp/queues/_outgoing/retry/',
  13: '/opt/icewarp/queues/_incoming/',
  14: slave,
});

/** Two nodes on one share and one database, the first of which is the master. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standin-two-'));
  await chmod(folder, 0o755);
  share = join(folder, 'share');
  await mkdir(join(share, 'mail'), { recursive: true });
  for (const path of [share, join(share, 'mail')]) await chown(path, UID, UID);
  [database, a, b] = await Promise.all([
    Mariadb.start(folder, `${NET}.40`),
    Sandbox.start(folder, 'first', `${NET}.12`, { uid: UID, lab: { masterPeriod: 1 } }),
    Sandbox.start(folder, 'second', `${NET}.13`, { uid: UID, lab: { masterPeriod: 1 } }),
  ]);
  for (const node of [a, b]) await database.grant('iw_accounts', node.address);
  for (const node of [a, b]) {
    await node.mountShare(share);
    await node.install('--user', 'icewarp');
    await node.services('--stop', 'all');
    await node.run('install', '-d', '-o', 'icewarp', '/opt/icewarp/queues');
  }
  await a.writePathDat(pathDat('01', '0'));
  await b.writePathDat(pathDat('02', '1'));
  await a.tool('set', 'system', ACCOUNTS, database.connectionString('iw_accounts'));
  await a.tool(
    'set',
    'system',
    'C_System_Storage_Dir_MailPath',
    '/srv/share/mail/',
    'C_System_MySQLDefaultCharset',
    'utf8mb4',
  );
  await a.tool('create', 'tables', '0', database.connectionString('iw_accounts'));
  await a.tool('create', 'domain', 'example.com');
  await a.tool('create', 'account', USER, 'u_password', PASSWORD);
  await Promise.all([a, b].map((node) => node.services('--start')));
});

afterAll(async () => {
  await Promise.all([a.stop(), b.stop(), database.stop()]);
  await rm(folder, { recursive: true, force: true });
});

const inbox = async (user = 'ada'): Promise<string[]> =>
  (
    await Promise.all(
      ['new', 'cur'].map((part) => readdir(join(share, 'mail/example.com', user, 'inbox', part)).catch(() => [])),
    )
  ).flat();

describe('two stand-ins on one share and one database', () => {
  it('serve one mailbox: sent to one, read on the other, named by the ID of the first', async () => {
    expect([await a.get('C_PathServiceID'), await b.get('C_PathServiceID')]).toEqual(['01', '02']);
    expect(await send(a, { to: USER, subject: 'from a' })).toBe(250);
    await eventually('it is on the share', async () => (await inbox()).length === 1);
    expect((await inbox())[0]).toMatch(/^01\d{14}-\d+\.imap/);
    expect(await imapSubjects(b, USER)).toEqual(['from a']);
    expect(await imapSubjects(a, USER)).toEqual(['from a']);
  });

  it('run the master job on the master alone, and two rows a period betray a second master', async () => {
    const nodesPerPeriod = async (): Promise<number> => {
      const rows = (await database.run(
        'SELECT COUNT(*) AS n FROM iw_accounts.MasterJobs GROUP BY period ORDER BY n DESC LIMIT 1',
      )) as { n: number }[];
      return rows[0]?.n ?? 0;
    };
    await eventually('the master wrote', async () => (await nodesPerPeriod()) === 1);
    await pause(1500);
    expect(await nodesPerPeriod()).toBe(1);
    await b.writePathDat(pathDat('02', '0'));
    await b.services('--restart', 'control');
    await eventually('two wrote in one period', async () => (await nodesPerPeriod()) === 2);
    await b.writePathDat(pathDat('02', '1'));
  });

  it('overwrite each other’s messages when they have the same ID', async () => {
    await a.tool('create', 'account', 'twin@example.com', 'u_password', PASSWORD);
    await b.writePathDat(pathDat('01', '1'));
    await b.services('--restart', 'smtp');
    let sent = 0;
    await eventually('a message is missing', async () => {
      await pause(1000 - (Date.now() % 1000) + 100);
      const codes = await Promise.all([a, b].map((node) => send(node, { to: 'twin@example.com' })));
      expect(codes).toEqual([250, 250]);
      sent += 2;
      await pause(300);
      return (await inbox('twin')).length < sent;
    });
    await b.writePathDat(pathDat('02', '1'));
    await b.services('--restart', 'smtp');
  });

  it('keep nobody out but the node whose address has no grant', async () => {
    await database.run(`DROP USER 'iw'@'${b.address}'`);
    await b.services('--restart', 'all');
    expect(await imapSubjects(b, USER)).toBeUndefined();
    expect(await send(b, { to: USER })).toBe(451);
    expect(await imapSubjects(a, USER)).toEqual(['from a']);
    await database.grant('iw_accounts', b.address);
    await eventually('b lets users in again', async () => (await imapSubjects(b, USER))?.length === 1);
  });

  it('cannot read or write the mail when a process user has another uid', async () => {
    await b.services('--stop');
    await b.run('sed', '-i', 's/^icewarp:x:[0-9]*:/icewarp:x:4777:/', '/etc/passwd');
    await b.run('chown', '-R', 'icewarp', '/opt/icewarp/queues', '/opt/icewarp/logs');
    await b.services('--start');
    expect(await imapSubjects(b, USER)).toBeUndefined();
    expect(await send(b, { to: USER, subject: 'late' })).toBe(250);
    const log = async (): Promise<string> => (await b.run('sh', '-c', 'cat /opt/icewarp/logs/*.log')).stdout;
    await eventually('the log says EACCES', async () => (await log()).includes('EACCES'));
    await b.services('--stop');
    await b.run('sed', '-i', `s/^icewarp:x:[0-9]*:/icewarp:x:${UID}:/`, '/etc/passwd');
    await b.run('chown', '-R', 'icewarp', '/opt/icewarp/queues', '/opt/icewarp/logs');
    await b.services('--start');
    await eventually('the queued message came', async () => (await imapSubjects(a, USER))?.includes('late') ?? false);
  });

  it('write mailboxes to the local disk when the share is not mounted and nothing forbids it', async () => {
    await b.services('--stop');
    // The configuration stays reachable, as with one mount per folder; only the mail's mount is missing.
    await b.run('cp', '-a', '/srv/share/config', '/opt/icewarp/kept');
    await b.run('umount', '/srv/share');
    await b.run('chown', 'icewarp', '/srv/share');
    await b.writePathDat({ ...pathDat('02', '1'), 1: '/opt/icewarp/kept/' });
    await b.services('--start');
    expect(await send(b, { to: USER, subject: 'astray' })).toBe(250);
    const local = join(b.root, 'srv/share/mail/example.com/ada/inbox/new');
    await eventually('it is on the local disk', async () =>
      stat(local).then(
        () => true,
        () => false,
      ),
    );
    expect(await imapSubjects(a, USER)).not.toContain('astray');
  });
});
