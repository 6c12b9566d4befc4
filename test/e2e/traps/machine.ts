import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';

import type { NodeName } from '../../../src/lab/layout.js';
import type { LabCluster } from '../lab-cluster.js';
import { withFile } from './installed.js';
import type { Trap } from './trap.js';

/** Faults of one machine: its ports, disks, names and jobs. */
export const MACHINE_TRAPS: readonly Trap[] = [
  {
    fault: 'a mail server that came with the system',
    finds: 'B/port-25-taken',
    words: /program node listens on port 25/,
    set: (cluster) => listen(cluster, 'B', 25),
  },
  {
    fault: 'a program on the port of IMAP with TLS, which the cluster file does not name',
    finds: 'A/usual-port-993-taken',
    words: /program node listens on port 993/,
    set: (cluster) => listen(cluster, 'A', 993),
  },
  {
    fault: 'a cron job that writes into the installation folder',
    finds: 'C/scheduled-writer',
    words: /\/etc\/cron\.d\/mail-backup:1/,
    set: (cluster) =>
      withFile(
        cluster,
        'C',
        '/etc/cron.d/mail-backup',
        '0 3 * * * root tar -C /opt/icewarp -cf /var/backups/mail.tar .\n',
      ),
  },
  {
    fault: 'a disk for logs and queues that is too small',
    finds: 'B/room-local',
    words: /\/var\/lib\/icewarp takes only 0\.1 GB/,
    set: (cluster) => smallDisk(cluster, 'B', '64m'),
  },
  {
    fault: 'a disk for logs and queues that would be full soon',
    finds: 'C/tight-local',
    words: /\/var\/lib\/icewarp takes only 4\.\d GB/,
    set: (cluster) => smallDisk(cluster, 'C', '4g'),
  },
  {
    fault: 'files where the share is to be mounted',
    finds: 'C/mount-hides',
    words: /\/mnt\/icewarp holds 1 local files/,
    set: async ({ lab }: LabCluster) => {
      const folder = `${lab.machine('C').disk}/mnt/icewarp`;
      await mkdir(folder);
      await writeFile(`${folder}/left.imap`, 'left');
      return () => rm(folder, { recursive: true });
    },
  },
  {
    fault: 'a host name that means another machine',
    finds: 'B/host-elsewhere',
    words: /mail-b\.lab\.test means 192\.0\.2\.99/,
    set: (cluster) => rename(cluster, 'B', '192.0.2.99'),
  },
  {
    fault: 'a host name that means the machine itself, as an installer wrote it',
    finds: 'A/host-unknown',
    words: /mail-a\.lab\.test means 127\.0\.1\.1/,
    set: (cluster) => rename(cluster, 'A', '127.0.1.1'),
  },
  {
    fault: 'a node with another system',
    finds: 'cluster/os-family-differs',
    words: /C: rocky/,
    set: (cluster) => release(cluster, 'C', () => 'ID="rocky"\nVERSION_ID="9.8"\n'),
  },
  {
    fault: 'a node with another version of the system',
    finds: 'cluster/os-version-differs',
    words: /C: \w+ 6\.0/,
    set: (cluster) => release(cluster, 'C', (text) => text.replace(/^VERSION_ID=.*$/m, 'VERSION_ID="6.0"')),
  },
];

async function listen({ lab }: LabCluster, node: NodeName, port: number): Promise<() => Promise<void>> {
  const script = `require('node:net').createServer().listen(${port}, '${lab.addresses[node]}')`;
  const log = '/var/log/other-mail.log';
  const other = await lab.machine(node).spawn(process.execPath, ['-e', script], { log });
  return async () => {
    process.kill(other.pid, 'SIGKILL');
    await rm(lab.machine(node).disk + log, { force: true });
  };
}

async function smallDisk({ lab }: LabCluster, node: NodeName, size: string): Promise<() => Promise<void>> {
  const machine = lab.machine(node);
  const folder = '/var/lib/icewarp';
  await machine.run('mkdir', [folder]);
  await machine.run('mount', ['-t', 'tmpfs', '-o', `size=${size},nr_inodes=500000`, 'tmpfs', folder]);
  return async () => {
    await machine.run('umount', [folder]);
    await machine.run('rmdir', [folder]);
  };
}

function rename(cluster: LabCluster, node: NodeName, address: string): Promise<() => Promise<void>> {
  const name = `mail-${node.toLowerCase()}.lab.test`;
  return withFile(cluster, node, '/etc/hosts', (text) =>
    [`${address} ${name}`, ...text.split('\n').filter((line) => !line.includes(name))].join('\n'),
  );
}

/** The file is a link on some systems. */
async function release(
  { lab }: LabCluster,
  node: NodeName,
  change: (text: string) => string,
): Promise<() => Promise<unknown>> {
  const machine = lab.machine(node);
  const file = '/etc/os-release';
  const text = await readFile(file, 'utf8');
  await machine.run('mv', [file, `${file}.before`]);
  await writeFile(machine.disk + file, change(text));
  return () => machine.run('mv', [`${file}.before`, file]);
}
