import { mkdir, rm } from 'node:fs/promises';

import type { NodeName } from '../../../src/lab/layout.js';
import type { LabCluster } from '../lab-cluster.js';
import { sqlite, tool, withClusterFile, withFile, withLabFile } from './installed.js';
import type { Trap } from './trap.js';

type Heal = () => Promise<unknown>;

/** Does one after the other, and takes it away in the other direction. */
async function all(...sets: readonly (() => Promise<Heal>)[]): Promise<Heal> {
  const heals: Heal[] = [];
  for (const set of sets) heals.unshift(await set());
  return async () => {
    for (const heal of heals) await heal();
  };
}

async function activated(cluster: LabCluster, node: NodeName, variable: string, value: string): Promise<Heal> {
  await tool(cluster, node, 'set', 'system', variable, value);
  return () => tool(cluster, node, 'set', 'system', 'C_OnlineLicense', `ORDER-${node}`);
}

const withoutOrder = (cluster: LabCluster): Promise<Heal> =>
  withClusterFile(cluster, (text) => text.replace(/^icewarp:\n {2}licence:\n {4}secret: .*\n/m, ''));

const mailOn = (cluster: LabCluster, node: NodeName): Promise<Heal> =>
  withFile(cluster, node, '/opt/icewarp/mail/old.test/jane/inbox/20190304101112-0001.imap', 'Subject: old\r\n\r\n');

async function accountOn(cluster: LabCluster, node: NodeName): Promise<Heal> {
  await tool(cluster, node, 'create', 'domain', 'old.test');
  await tool(cluster, node, 'create', 'account', 'jane@old.test', 'U_Password', 'Geheim-2026-x');
  return async () => {
    await tool(cluster, node, 'delete', 'account', 'jane@old.test');
    await tool(cluster, node, 'delete', 'domain', 'old.test');
  };
}

/** Faults of fresh machines. */
export const FRESH_TRAPS: readonly Trap[] = [
  {
    fault: 'mailboxes outside of the mail folder, on one node’s own disk',
    finds: 'A/external-mailboxes',
    words: /\/srv\/big \(not there on B, C; on a disk of its own on A\)/,
    set: (cluster) =>
      all(
        () => withFile(cluster, 'A', '/opt/icewarp/externaldirs.dat', 'jane@old.test;/srv/big/\r\n'),
        async () => {
          const folder = `${cluster.lab.machine('A').disk}/srv/big`;
          await mkdir(folder);
          return () => rm(folder, { recursive: true });
        },
      ),
  },
  {
    fault: 'mailboxes on a network file system that every node mounts',
    finds: 'A/external-mailboxes-shared',
    words: /every node reaches the folders of externaldirs\.dat: \/srv\/big/,
    set: (cluster) =>
      all(
        () => withFile(cluster, 'A', '/opt/icewarp/externaldirs.dat', '/srv/big\r\n'),
        ...(['A', 'B', 'C'] as const).map((node) => () => sshfsOn(cluster, node)),
      ),
  },
];

/** The same folder of the host, seen through a network file system. */
async function sshfsOn({ lab }: LabCluster, node: NodeName): Promise<Heal> {
  const machine = lab.machine(node);
  await machine.run('mkdir', ['/srv/big']);
  const options = ['-o', 'ssh_command=/srv/serve,dir_cache=no'];
  await machine.run('tee', ['/srv/serve'], { input: '#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n' });
  await machine.run('chmod', ['700', '/srv/serve']);
  await machine.run('sshfs', ['share:/usr/share/doc', '/srv/big', ...options], { silent: true });
  return async () => {
    await machine.run('umount', ['/srv/big']);
    await machine.run('rm', ['-r', '/srv/big', '/srv/serve']);
  };
}

/** Faults of nodes A and B, on which IceWarp is installed already. */
export const INSTALLED_TRAPS: readonly Trap[] = [
  {
    fault: 'two builds',
    finds: 'cluster/builds-differ',
    words: /B: 13\.0\.3/,
    set: (cluster) =>
      withFile(cluster, 'B', '/etc/icewarp/icewarp.conf', (text) =>
        text.replace(/IWS_VERSION=.*/, 'IWS_VERSION="13.0.3"'),
      ),
  },
  {
    fault: 'a build that the cluster file does not want',
    finds: 'B/build-other',
    words: /the cluster file says 14\.9\.9/,
    also: { 'A/build-other': /the cluster file says 14\.9\.9/ },
    set: (cluster) => withClusterFile(cluster, (text) => text.replace(/^icewarp:\n/m, 'icewarp:\n  build: 14.9.9\n')),
  },
  {
    fault: 'a licence for other modules',
    finds: 'cluster/licences-differ',
    words: /A has .*; B has GROUPWARE onpremise/,
    set: async (cluster: LabCluster) => {
      const heal = await withLabFile(cluster, 'B', { licenceItems: ['GROUPWARE'] });
      await tool(cluster, 'B', 'set', 'system', 'C_OnlineLicense', 'ORDER-B');
      return async () => {
        await heal();
        await tool(cluster, 'B', 'set', 'system', 'C_OnlineLicense', 'ORDER-B');
      };
    },
  },
  {
    fault: 'a licence file of another machine, where the cluster file names no order',
    finds: 'B/licence',
    words: /is of another machine$/,
    set: (cluster) =>
      all(
        () => withoutOrder(cluster),
        () =>
          withFile(cluster, 'B', '/opt/icewarp/license.key', (text) =>
            text.replace(/<reference>.*<\/reference>/, '<reference>ELSEWHERE</reference>'),
          ),
      ),
  },
  {
    fault: 'an evaluation, where the cluster file names no order',
    finds: 'B/licence-evaluation',
    words: /is an evaluation$/,
    // what it allows is of another kind
    also: { 'cluster/licences-differ': /A has .*; B has / },
    set: (cluster) =>
      all(
        () => withoutOrder(cluster),
        () => activated(cluster, 'B', 'C_ObtainTrialLicense', 'Jane;jane@old.test;Old Ltd'),
      ),
  },
  {
    fault: 'a licence that path.dat has elsewhere',
    finds: 'B/licence-elsewhere',
    words: /there is no \/opt\/icewarp\/license\.key; path\.dat names \/srv\/license01\.key$/,
    set: async (cluster: LabCluster) => {
      const { disk } = cluster.lab.machine('B');
      const heal = await withFile(cluster, 'B', '/opt/icewarp/path.dat', `${'\r\n'.repeat(11)}/srv/license01.key\r\n`);
      await cluster.lab.machine('B').run('mv', ['/opt/icewarp/license.key', '/srv/license01.key']);
      return async () => {
        await heal();
        await rm(`${disk}/opt/icewarp/license.key`, { force: true });
        await cluster.lab.machine('B').run('mv', ['/srv/license01.key', '/opt/icewarp/license.key']);
      };
    },
  },
  {
    fault: 'accounts on a node that is to join',
    finds: 'B/accounts',
    words: /has 1 accounts of its own/,
    also: { 'cluster/backup-unnamed': /node B$/, 'cluster/licence-seats': /1 accounts are there/ },
    set: (cluster) => accountOn(cluster, 'B'),
  },
  {
    fault: 'accounts, each of which takes a seat',
    finds: 'cluster/licence-seats',
    words: /1 accounts are there; the administrator and 2 probes, 3 in all, come along/,
    also: { 'A/accounts': /has 1 accounts of its own/, 'cluster/backup-unnamed': /node A$/ },
    set: (cluster) => accountOn(cluster, 'A'),
  },
  {
    fault: 'mail on a node that is to join',
    finds: 'B/mail',
    words: /holds files/,
    also: { 'cluster/backup-unnamed': /node B$/ },
    set: (cluster) => mailOn(cluster, 'B'),
  },
  {
    fault: 'mail of the master, without a backup',
    finds: 'cluster/backup-unnamed',
    words: /something to lose: node A$/,
    set: (cluster) => mailOn(cluster, 'A'),
  },
  {
    fault: 'a backup that is too old',
    finds: 'cluster/backup-mail',
    words: /the newest backup of mail is of 2026-01-02T03:04:05\.000Z, more than a day ago/,
    set: (cluster) =>
      all(
        () => mailOn(cluster, 'A'),
        () =>
          withClusterFile(
            cluster,
            (text) => `${text}backups:\n  - { what: mail, where: tape 7, taken: 2026-01-02T03:04:05Z }\n`,
          ),
      ),
  },
  {
    fault: 'a watchdog that would start services again',
    finds: 'B/watchdog',
    words: /starts again what stops: smtp$/,
    set: async (cluster: LabCluster) => {
      await tool(cluster, 'B', 'set', 'system', 'C_System_Tools_WatchDog_SMTP', '1');
      return () => tool(cluster, 'B', 'set', 'system', 'C_System_Tools_WatchDog_SMTP', '0');
    },
  },
  {
    fault: 'a server that starts with its machine',
    finds: 'B/autostart',
    words: /starts with the machine$/,
    set: async ({ lab }: LabCluster) => {
      await lab.machine('B').run('update-rc.d', ['icewarp', 'enable']);
      return () => lab.machine('B').run('update-rc.d', ['icewarp', 'disable']);
    },
  },
  {
    fault: 'names that the database takes for one',
    finds: 'A/collation-clash',
    words: /by table: Aliases \(2\)$/,
    set: async (cluster: LabCluster) => {
      const names = ['müller', 'Muller', 'MULLER', 'jane'].map((name) => `('${name}')`).join(', ');
      await sqlite(cluster, 'A', `CREATE TABLE Aliases (name TEXT PRIMARY KEY); INSERT INTO Aliases VALUES ${names};`);
      return () => sqlite(cluster, 'A', 'DROP TABLE Aliases;');
    },
  },
  {
    fault: 'an accounts database that cannot be read',
    finds: 'A/collation-unseen',
    words: /it could not be read$/,
    set: async ({ lab }: LabCluster) => {
      const machine = lab.machine('A');
      const file = '/opt/icewarp/config/accounts.db';
      await machine.run('mv', [file, `${file}.kept`]);
      await machine.run('cp', ['/usr/bin/env', file]);
      return () => machine.run('mv', [`${file}.kept`, file]);
    },
  },
];
