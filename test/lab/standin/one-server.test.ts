import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SMTPServer } from 'smtp-server';

import { freePort } from '../../../src/lab/ports.js';
import { eventually } from '../../support/eventually.js';
import { imapSubjects, PASSWORD, pop3Count, recipientCode, send } from './clients.js';
import { Sandbox, VERSION } from './sandbox.js';

const NET = `127.99.${(process.pid % 200) + 1}`;
const KNOWN = 'known@example.com';

let folder: string;
let node: Sandbox;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standin-one-'));
  node = await Sandbox.start(folder, 'one', `${NET}.11`, { lab: { failInstall: 'disk' } });
});

afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

const onDisk = (path: string): string => join(node.root, path);
const inbox = (): Promise<string[]> => readdir(onDisk('opt/icewarp/mail/example.com/known/inbox/new'));

describe('the stand-in installer', () => {
  it('exits 0 even when it failed: only the error log and the missing registration show it', async () => {
    const { exitCode } = await node.install('--user', 'icewarp');
    expect(exitCode).toBe(0);
    expect(await readFile(onDisk('home/icewarp-install-error.log'), 'utf8')).toContain('No space left');
    await expect(readFile(onDisk('etc/icewarp/icewarp.conf'), 'utf8')).rejects.toThrow('ENOENT');
    await expect(readdir(onDisk('opt/icewarp'))).rejects.toThrow('ENOENT');
  });

  it('installs, enables and starts every service under the process user', async () => {
    await node.changeLab({ failInstall: undefined });
    const { exitCode, stdout } = await node.install('--user', 'icewarp');
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('installed and started')]);
    expect(await readFile(onDisk('etc/icewarp/icewarp.conf'), 'utf8')).toContain(`IWS_VERSION="${VERSION}"`);
    expect((await readdir(onDisk('etc/rc2.d'))).some((name) => /^S\d+icewarp$/.test(name))).toBe(true);
    expect((await node.run('/etc/init.d/icewarp', 'status')).exitCode).toBe(0);
    const { stdout: users } = await node.run('ps', '-o', 'user=', '-C', 'smtp,node,sleep');
    expect(users).toContain('icewarp');
  });
});

describe('the stand-in tool', () => {
  it('echoes names as typed, whatever their case, and takes several', async () => {
    const { stdout } = await node.tool('get', 'system', 'c_VERSION', 'C_GW_IsAvailable');
    expect(stdout).toBe(`c_VERSION: ${VERSION}\nC_GW_IsAvailable: 1`);
  });

  it('answers an unknown variable with the known ones and a failure', async () => {
    const { exitCode, stdout } = await node.tool('get', 'system', 'C_Invented');
    expect(exitCode).not.toBe(0);
    expect(stdout).toContain('C_System_Storage_Dir_MailPath');
    expect((await node.tool('set', 'system', 'C_ConfigPath', '/elsewhere/')).exitCode).not.toBe(0);
  });

  it('creates domains and accounts with the vendor’s exit codes', async () => {
    expect((await node.tool('create', 'domain', 'example.com', 'D_AdminEmail', KNOWN)).exitCode).toBe(0);
    expect((await node.tool('create', 'domain', 'example.com')).exitCode).toBe(4);
    expect((await node.tool('create', 'account', KNOWN, 'u_password', 'short')).exitCode).toBe(5);
    const created = await node.tool('create', 'account', KNOWN, 'u_password', PASSWORD, 'U_Admin', '1');
    expect([created.exitCode, created.stdout]).toEqual([0, `Account ${KNOWN} created.`]);
    expect((await node.tool('create', 'account', KNOWN, 'u_password', PASSWORD)).exitCode).toBe(4);
    expect((await node.tool('check', 'account', 'nobody@example.com')).stdout).toContain('not found');
    expect((await node.tool('export', 'account', '*@example.com', 'u_admin')).stdout).toBe(`${KNOWN},1,`);
  });

  it('keeps a licence per machine, in several lines, and notices one from another machine', async () => {
    expect(await node.get('C_LicenseStatus')).toBe('5');
    expect((await node.tool('set', 'system', 'c_onlinelicense', 'ORDER-1')).exitCode).toBe(0);
    expect(await node.get('C_LicenseStatus')).toBe('0');
    expect((await node.get('C_License_XML')).split('\n').length).toBeGreaterThan(5);
    const file = onDisk('opt/icewarp/license.key');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/<reference>\w+/, '<reference>ANOTHER'));
    expect(await node.get('C_LicenseStatus')).toBe('2');
    await node.tool('set', 'system', 'c_onlinelicense', 'ORDER-1');
  });

  it('shows the effective connection string without its password', async () => {
    const { stdout } = await node.tool('create', 'tables', '2', 'config/scratch.db;;;;7;3');
    expect(stdout).toBe('Tables created.');
    await node.tool('set', 'system', 'C_AS_Challenge_ConnectionString', 'as;iw;Secret0word;127.0.0.1;3;2');
    expect(await node.get('c_as_challenge_connectionstring_real')).toMatch(
      /^as;iw;(?!Secret0word)[^;]+;127\.0\.0\.1;3;2$/,
    );
    await node.tool('set', 'system', 'C_AS_Challenge_ConnectionString', 'spam/antispam.db;;;;7;3');
  });

  it('creates GroupWare tables only while GroupWare runs', async () => {
    await node.services('--stop', 'all');
    const tables = ['create', 'tables', '2', 'config/scratch.db;;;;7;3'];
    expect((await node.tool(...tables)).exitCode).not.toBe(0);
    expect(await node.get('C_GW_IsAvailable')).toBe('0');
    await node.services('--start');
    expect((await node.tool(...tables)).exitCode).toBe(0);
  });
});

describe('mail on one stand-in', () => {
  it('takes mail for a known user, refuses an unknown one, and relays for nobody who did not log on', async () => {
    expect(await send(node, { to: KNOWN, subject: 'first' })).toBe(250);
    expect(await send(node, { to: 'unknown@example.com' })).toBe(550);
    expect(await send(node, { to: 'someone@elsewhere.test' })).toBe(550);
    await eventually('the message is delivered', async () => (await inbox().catch(() => [])).length === 1);
    expect(await imapSubjects(node, KNOWN)).toEqual(['first']);
    expect(await pop3Count(node, KNOWN)).toBe(1);
  });

  it('shows a message that was put into the mailbox by hand', async () => {
    const file = onDisk('opt/icewarp/mail/example.com/known/inbox/cur/20200101-0001.imap');
    await writeFile(file, 'Subject: old\r\n\r\nOld mail\r\n');
    await node.run('chown', 'icewarp', '/opt/icewarp/mail/example.com/known/inbox/cur/20200101-0001.imap');
    expect((await imapSubjects(node, KNOWN))?.sort()).toEqual(['first', 'old']);
  });

  it('keeps mail for elsewhere queued until it can be handed on, and hands it on once', async () => {
    const received: string[] = [];
    const sink = new SMTPServer({
      authOptional: true,
      hideSTARTTLS: true,
      onRcptTo: ({ address }, _session, callback) => {
        received.push(address);
        callback();
      },
      onData: (stream, _session, callback) => stream.resume().on('end', () => callback()),
    });
    const port = await freePort([`${NET}.99`]);
    expect(await send(node, { to: 'someone@elsewhere.test', as: KNOWN })).toBe(250);
    const queue = (): Promise<string[]> => readdir(onDisk('opt/icewarp/mail/_outgoing/retry'));
    await eventually('it waits in the retry queue', async () => (await queue().catch(() => [])).length === 1);
    await new Promise<void>((resolve) => sink.listen(port, `${NET}.99`, resolve));
    await node.changeLab({ relaySink: { host: `${NET}.99`, port } });
    await eventually('the queue is empty', async () => (await queue()).length === 0);
    expect(received).toEqual(['someone@elsewhere.test']);
    await new Promise<void>((resolve) => sink.close(resolve));
  });

  it('judges a client by its address, or by the one in a PROXY header from where the lab says', async () => {
    const [balancer, trusted, other] = [`${NET}.30`, `${NET}.32`, `${NET}.33`];
    const elsewhere = 'someone@elsewhere.test';
    await node.changeLab({ relayFor: [`${trusted}/32`], lockout: { after: 3, seconds: 600, exempt: [balancer] } });
    expect(await recipientCode(node, elsewhere, trusted)).toBe(250);
    expect(await recipientCode(node, elsewhere, other)).toBe(550);
    for (const client of [balancer, other]) {
      for (let guess = 0; guess < 3; guess += 1) await recipientCode(node, `guess-${guess}@example.com`, client);
    }
    expect(await recipientCode(node, KNOWN, other)).toBe(554);
    expect(await recipientCode(node, KNOWN, balancer)).toBe(250);
    await node.changeLab({ proxyFrom: [balancer], lockout: undefined });
    await node.services('--restart', 'smtp');
    expect(await recipientCode(node, elsewhere, balancer, trusted)).toBe(250);
    expect(await recipientCode(node, elsewhere, balancer, other)).toBe(550);
    expect(await recipientCode(node, KNOWN, other)).toBe(250);
  });

  it('has no process left when the services are said to be stopped', async () => {
    expect((await node.services('--stop')).exitCode).toBe(0);
    const { stdout } = await node.run('sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(stdout).not.toMatch(/\/opt\/icewarp\/|dovecot/);
    expect(await send(node, { to: KNOWN })).toBe(0);
    await node.services('--start');
  });

  it('does not start without provisioned.dat when availability is checked', async () => {
    await node.services('--stop');
    await node.tool('set', 'system', 'C_System_Storage_Mailbox_Checkavailability', '1');
    expect((await node.services('--start')).exitCode).not.toBe(0);
    await writeFile(onDisk('opt/icewarp/mail/provisioned.dat'), '');
    expect((await node.services('--start')).exitCode).toBe(0);
  });
});

describe('settings of a stand-in', () => {
  it('take effect at a restart, not before', async () => {
    await mkdir(onDisk('srv/mail'));
    await node.run('chown', 'icewarp', '/srv/mail');
    await writeFile(onDisk('srv/mail/provisioned.dat'), '');
    await node.tool('set', 'system', 'C_System_Storage_Dir_MailPath', '/srv/mail/');
    await send(node, { to: KNOWN, subject: 'old place' });
    await eventually('it is delivered', async () => (await inbox()).length === 1);
    await node.services('--restart', 'all');
    await send(node, { to: KNOWN, subject: 'new place' });
    await eventually('it is in the new place', async () => (await imapSubjects(node, KNOWN))?.[0] === 'new place');
  });

  it('take effect by themselves once the automatic check is on', async () => {
    await node.tool('set', 'system', 'C_System_Storage_LB_AutoCheckConfig', '1');
    await node.services('--restart', 'all');
    await node.tool('set', 'system', 'C_System_Storage_Dir_MailPath', '/opt/icewarp/mail/');
    await eventually(
      'IMAP shows the other store',
      async () => (await imapSubjects(node, KNOWN))?.includes('old') ?? false,
    );
  });

  it('are lost when their file is empty: the server makes defaults and says so', async () => {
    await node.tool('set', 'system', 'C_Mail_SMTP_General_HostName', 'mail.example.com');
    expect(await node.get('C_DefaultConfig')).toBe('0');
    await node.services('--stop');
    await writeFile(onDisk('opt/icewarp/config/settings.cfg'), '');
    await node.services('--start');
    expect([await node.get('C_DefaultConfig'), await node.get('C_Mail_SMTP_General_HostName')]).toEqual(['1', '']);
  });

  it('on an empty shared configuration make a known user unknown', async () => {
    await node.services('--stop');
    await rm(onDisk('opt/icewarp/config/accounts.db'));
    await node.writePathDat({ 1: '/srv/share/config/' });
    await node.run('chown', 'icewarp', '/srv/share');
    await node.services('--start');
    expect([await node.get('C_ConfigPath'), await node.get('C_DefaultConfig')]).toEqual(['/srv/share/config/', '1']);
    expect(await send(node, { to: KNOWN })).toBe(550);
  });

  it('and templates of a shared configuration are overwritten by an installer that comes too late', async () => {
    await mkdir(onDisk('srv/share/config'), { recursive: true });
    await writeFile(onDisk('srv/share/config/content.xml'), 'ours');
    await node.install('--user', 'icewarp');
    expect(await readFile(onDisk('srv/share/config/content.xml'), 'utf8')).not.toBe('ours');
  });
});
