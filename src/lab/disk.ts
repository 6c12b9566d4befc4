import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runCommand } from '../platform/run.js';
import { PRIVATE_FOLDERS } from './boot-script.js';
import { DIST, NODE } from './host.js';
import { type Addresses, fullHostName, hostName, MACHINES, type MachineName } from './layout.js';

/** The host's installed packages, which are the machine's too. */
export const PACKAGE_DATABASE = '/var/lib/dpkg';

/** Where the lab's mount helper lies on a machine, before it takes the place of /sbin/mount.cifs. */
export const MOUNT_HELPER = '/etc/icewarp-lab/mount.cifs';

/** Folders below /var that the Debian packages bring, with their owner where it is not root. */
const STATE_FOLDERS = [
  { path: '/var/lib/haproxy' },
  { path: '/var/lib/icewarp-rollout', mode: 0o700 },
  { path: '/var/lib/mysql', owner: 'mysql:mysql' },
  { path: '/var/lib/samba/private', mode: 0o700 },
  { path: '/var/cache/samba' },
  { path: '/var/log/samba' },
  { path: '/var/spool' },
  { path: '/var/mail', mode: 0o2775 },
  { path: '/var/backups' },
  { path: '/var/tmp', mode: 0o1777 },
] as const satisfies readonly { path: string; mode?: number; owner?: string }[];

/**
 * Makes a machine's disk: its own copy of the host's /etc without what is the host's own business (what starts there,
 * keys, mounts, another installation of this product), and otherwise empty folders.
 */
export async function makeDisk(machine: MachineName, disk: string, addresses: Addresses): Promise<void> {
  for (const folder of PRIVATE_FOLDERS) await mkdir(disk + folder, { recursive: true });
  await chmod(`${disk}/root`, 0o700);
  await runCommand('cp', ['--archive', '--reflink=auto', '/etc/.', `${disk}/etc`]);
  await Promise.all([cleanEtc(machine, disk), makeVar(disk)]);
  await writeFile(join(disk, 'etc/hostname'), `${hostName(machine)}\n`);
  await writeFile(join(disk, 'etc/hosts'), hosts(addresses));
  await writeFile(join(disk, 'etc/fstab'), '');
  await writeMountHelper(disk);
}

/** HAProxy stays in the control machine's run levels, where its package put it; nothing else starts by itself. */
async function cleanEtc(machine: MachineName, disk: string): Promise<void> {
  const etc = await readdir(join(disk, 'etc'));
  const levels = etc.filter((name) => /^rc[0-6S]\.d$/.test(name));
  for (const level of levels) {
    const folder = join(disk, 'etc', level);
    const links = (await readdir(folder)).filter((name) => /^[SK]\d\d/.test(name) && !isOwn(machine, name));
    await Promise.all(links.map(async (name) => rm(join(folder, name))));
  }
  for (const name of ['ssh', 'icewarp-rollout', 'icewarp', 'icewarp-lab', 'init.d/icewarp']) {
    await rm(join(disk, 'etc', name), { recursive: true, force: true });
  }
}

function isOwn(machine: MachineName, link: string): boolean {
  return machine === 'control' && /^[SK]\d\dhaproxy$/.test(link);
}

async function makeVar(disk: string): Promise<void> {
  await symlink('/run', `${disk}/var/run`);
  await symlink('/run/lock', `${disk}/var/lock`);
  for (const folder of STATE_FOLDERS) {
    await mkdir(disk + folder.path, { recursive: true });
    if ('mode' in folder) await chmod(disk + folder.path, folder.mode);
    if ('owner' in folder) await runCommand('chown', [folder.owner, disk + folder.path]);
  }
}

function hosts(addresses: Addresses): string {
  const machines = MACHINES.map((name) => `${addresses[name]} ${fullHostName(name)} ${hostName(name)}`);
  const others = [`${addresses.balancer} mail.lab.test`, `${addresses.outside} outside.test`];
  return ['127.0.0.1 localhost', ...machines, ...others, ''].join('\n');
}

async function writeMountHelper(disk: string): Promise<void> {
  const file = disk + MOUNT_HELPER;
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, `#!/bin/sh\nexec '${NODE}' '${DIST}/src/lab/mount-cifs.js' "$@"\n`, { mode: 0o755 });
}
