import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { mailboxRoots, mailboxRootsSeen, rootsOf } from '../../src/activities/mailbox-roots.js';
import { statePreflight, type InstalledState } from '../../src/activities/state-preflight.js';
import { linuxMounts } from '../../src/platform/linux-mounts.js';
import { isNetwork } from '../../src/platform/mount-options.js';
import type { Platform } from '../../src/platform/platform.js';
import { testContext, type TestContext } from '../support/context.js';
import { fakeIceWarp, type FakeIceWarp } from '../support/fake-icewarp.js';

let context: TestContext;
let directory: string;
let icewarp: FakeIceWarp | undefined;

beforeEach(async () => {
  const services = { startsAtBoot: () => Promise.resolve(true) } as Partial<Platform['services']>;
  context = await testContext({}, { mounts: linuxMounts, services: services as Platform['services'] });
  directory = join(context.folder, 'icewarp');
});
afterEach(async () => {
  await icewarp?.stop();
  icewarp = undefined;
  await context.remove();
});

async function install(variables: Readonly<Record<string, string>> = {}): Promise<void> {
  icewarp = await fakeIceWarp(directory, {
    C_System_Storage_Accounts_ODBCConnString: 'config/accounts.db;;geheim;;7;3',
    C_System_Storage_Dir_MailPath: 'mail/',
    ...variables,
  });
}

async function look(): Promise<InstalledState | null> {
  const facts = await statePreflight.run({ directory, own: ['Probe@example.com'] }, context);
  expect(Buffer.byteLength(JSON.stringify(facts))).toBeLessThan(2_048);
  return facts.icewarp;
}

describe('what an installation holds', () => {
  it('is nothing where there is none', async () => {
    expect(await look()).toBeNull();
  });

  it('is told in numbers: accounts but our own, mail outside of the queues, without a name or a password', async () => {
    await install();
    expect(await look()).toMatchObject({
      accounts: 0,
      mail: false,
      accountsIn: 'config/accounts.db@',
      accountsInFiles: false,
      autostart: true,
    });
    for (const name of ['probe@example.com', 'jane@example.com'])
      await writeFile(join(directory, 'account', name), '0');
    await mkdir(join(directory, 'mail/_outgoing'), { recursive: true });
    await writeFile(join(directory, 'mail/_outgoing/1.tmp'), '');
    expect(await look()).toMatchObject({ accounts: 1, mail: false });
    await mkdir(join(directory, 'mail/example.com/jane/inbox'), { recursive: true });
    await writeFile(join(directory, 'mail/example.com/jane/inbox/1.imap'), '');
    const facts = await look();
    expect(facts).toMatchObject({ accounts: 1, mail: true });
    expect(JSON.stringify(facts)).not.toMatch(/jane|geheim/);
  });

  it('names what the watchdog would start again, also by variables that only this version has', async () => {
    await install();
    expect(await look()).toMatchObject({ watchdog: [], watchdogKnown: false });
    for (const [name, value] of [
      ['C_System_Tools_WatchDog_SMTP', '1'],
      ['C_System_Tools_Watchdog_GW', '0'],
      ['C_System_Tools_Watchdog_Int', '1'],
      ['C_System_Tools_Watchdog_Meeting', '1'],
    ] as const) {
      await icewarp?.put(name, value);
    }
    expect(await look()).toMatchObject({ watchdog: ['smtp'], watchdogKnown: true });
    await mkdir(join(directory, 'api/delphi'), { recursive: true });
    const list =
      'C_System_Tools_WatchDog_SMTP = $1;\r\nC_System_Tools_Watchdog_Int = $2;\r\nC_System_Tools_Watchdog_Meeting = $3;\r\n';
    await writeFile(join(directory, 'api/delphi/apiconst.pas'), list);
    expect(await look()).toMatchObject({ watchdog: ['smtp', 'meeting'] });
  });

  it('says where path.dat has the licence, and whether it is where the cluster will look for it', async () => {
    await install();
    expect(await look()).toMatchObject({ licenceNamed: '', licenceThere: false });
    await writeFile(join(directory, 'path.dat'), `${'\r\n'.repeat(11)}license01.key\r\n`);
    await writeFile(join(directory, 'license.key'), 'x');
    expect(await look()).toMatchObject({ licenceNamed: join(directory, 'license01.key'), licenceThere: true });
  });

  it('does not count what belongs to a cluster that runs already', async () => {
    await install();
    await writeFile(join(directory, 'account', 'jane@example.com'), '0');
    await writeFile(join(directory, 'path.dat'), '/mnt/icewarp/share/config/\r\n');
    expect(await look()).toMatchObject({ joined: true, accounts: 0 });
  });
});

describe('mailboxes outside of the mail folder', () => {
  it.each([
    ['/srv/big/jane', '/srv/big/jane'],
    ['jane@example.com;/srv/big store/jane/;1', '/srv/big store/jane'],
    ['path="/srv/x"', '/srv/x'],
    ['/srv/x/../y', '/srv/y'],
  ])('are found in a line of an unknown format: %s', (line, root) => {
    expect(rootsOf(`${line}\r\n\r\n`)).toEqual({ roots: [root], rootsInAll: 1, unparsed: 0 });
  });

  it.each(['jane\\inbox', 'relative/path', '/', `/${'x'.repeat(200)}`])(
    'are counted where no path is found: %s',
    (line) => {
      expect(rootsOf(line)).toEqual({ roots: [], rootsInAll: 0, unparsed: 1 });
    },
  );

  it('are told once each, and not all of very many', async () => {
    await mkdir(join(directory, 'config'), { recursive: true });
    const lines = Array.from({ length: 60 }, (_, index) => `/srv/${'x'.repeat(130)}/${index % 30}`);
    await writeFile(join(directory, 'config/externaldirs.dat'), lines.join('\n'));
    const listed = await mailboxRoots.run({ directory }, context);
    expect(listed).toMatchObject({ rootsInAll: 30, unparsed: 0 });
    expect(listed.roots).toHaveLength(8);
    expect(Buffer.byteLength(JSON.stringify(listed))).toBeLessThan(2_048);
  });

  it('are seen by each node: not there, or on a disk of its own', async () => {
    await writeFile(join(context.folder, 'file'), '');
    const roots = [join(context.folder, 'nowhere'), join(context.folder, 'file'), context.folder];
    expect(await mailboxRootsSeen.run({ roots }, context)).toEqual(['none', 'none', 'local']);
  });

  it('are shared where the file system is one of the network', () => {
    for (const type of ['nfs', 'nfs4', 'cifs', 'smb3', 'ceph', 'fuse.sshfs', 'fuse.glusterfs']) {
      expect([type, isNetwork(type)]).toEqual([type, true]);
    }
    for (const type of ['ext4', 'xfs', 'overlay', 'tmpfs', 'fuse.mergerfs', 'fuse.lxcfs', '']) {
      expect([type, isNetwork(type)]).toEqual([type, false]);
    }
  });
});
