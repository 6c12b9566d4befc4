import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { SENTINEL } from '../../../src/cluster/names.js';
import { BETWEEN_NODES, MEETING_POINTS } from '../../../src/cluster/services.js';
import type { AgentName } from '../../../src/lab/layout.js';
import { sentinelText } from '../../../src/platform/sentinel.js';
import { fakeTime } from '../../support/fake-time.js';
import { drop } from '../../support/firewall.js';
import type { LabCluster } from '../lab-cluster.js';
import type { Trap } from './trap.js';

const EVERY_PORT = [...BETWEEN_NODES, ...MEETING_POINTS];

/** Starts an agent anew whose clock is set by so many seconds. */
async function withClock({ lab }: LabCluster, name: AgentName, offset: string): Promise<() => Promise<void>> {
  await lab.agent(name).stop();
  await lab.agent(name, fakeTime(offset)).start();
  return async () => {
    await lab.agent(name).stop();
    await lab.agent(name).start();
  };
}

const served = ({ lab }: LabCluster, path = ''): string => `${lab.machine('share').disk}/srv/icewarp${path}`;

/** Gives the share a disk of its own, large but for so many files. */
async function withDisk({ lab }: LabCluster, files: number): Promise<() => Promise<void>> {
  const share = lab.machine('share');
  await share.run('mkdir', ['-p', '/srv/icewarp']);
  await share.run('mount', ['-t', 'tmpfs', '-o', `size=50g,nr_inodes=${files}`, 'tmpfs', '/srv/icewarp']);
  return async () => {
    await share.run('umount', ['/srv/icewarp']);
    await share.run('rmdir', ['/srv/icewarp']);
  };
}

/** Faults between the machines: firewalls, clocks, and the server of the share. */
export const BETWEEN_TRAPS: readonly Trap[] = [
  {
    fault: 'a node’s address that is none of its own',
    finds: 'B/address-elsewhere',
    words: /^nothing can listen at 192\.0\.2\.12 on the node$/,
    also: { 'B/host-unknown': /mail-b\.lab\.test means 127\./ },
    set: async ({ lab }: LabCluster) => {
      const file = lab.paths.clusterFile;
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(`address: ${lab.addresses.B}\n`, 'address: 192.0.2.12\n'));
      return () => writeFile(file, text);
    },
  },
  {
    fault: 'a firewall that drops UDP to one node',
    finds: 'B/udp-closed',
    words: /^UDP port 10255, 21, .* and \d+ more at 127\.\S+\.12 does not answer, asked from A, C$/,
    set: ({ lab }: LabCluster) => Promise.resolve(drop(lab.addresses.B, 'udp', EVERY_PORT)),
  },
  {
    fault: 'a firewall that drops one of a node’s ports',
    finds: 'C/tcp-closed',
    words: /^TCP port 143 at 127\.\S+\.13 does not answer, asked from A, B$/,
    set: ({ lab }: LabCluster) => Promise.resolve(drop(lab.addresses.C, 'tcp', [lab.ports.node.imap])),
  },
  {
    fault: 'a node’s clock that is two seconds fast',
    finds: 'cluster/clocks-apart',
    words: /^the clock of node B is 2\.\d s ahead of that of .*\(± 0\.\d s\)/,
    set: (cluster: LabCluster) => withClock(cluster, 'B', '+2s'),
  },
  {
    fault: 'a share server’s clock that is slow',
    finds: 'cluster/clocks-apart',
    words: /ahead of that of the share server/,
    set: (cluster: LabCluster) => withClock(cluster, 'share', '-3s'),
  },
  {
    fault: 'a folder to be shared that belongs to another cluster',
    finds: 'share/of-another-cluster',
    words: /^\/srv\/icewarp belongs to the cluster elsewhere$/,
    set: async (cluster: LabCluster) => {
      await mkdir(served(cluster), { recursive: true });
      await writeFile(served(cluster, `/${SENTINEL}`), sentinelText('elsewhere'));
      return () => rm(served(cluster), { recursive: true });
    },
  },
  {
    fault: 'a folder to be shared that holds somebody’s files',
    finds: 'share/holds-files',
    words: /^\/srv\/icewarp holds 2 files or folders/,
    set: async (cluster: LabCluster) => {
      await mkdir(served(cluster, '/share/mail/example.com'), { recursive: true });
      await writeFile(served(cluster, '/notes.txt'), 'mine');
      return () => rm(served(cluster), { recursive: true });
    },
  },
  {
    fault: 'a disk for the share that takes few files',
    finds: 'share/room',
    words: /^\/srv\/icewarp takes only 5\d\.\d GB and 49\d\d files more$/,
    set: (cluster: LabCluster) => withDisk(cluster, 5_000),
  },
  {
    fault: 'a disk for the share that will soon be full',
    finds: 'share/tight',
    words: /^\/srv\/icewarp takes only 5\d\.\d GB and 499\d\d files more$/,
    set: (cluster: LabCluster) => withDisk(cluster, 50_000),
  },
  {
    fault: 'a share server without Samba',
    finds: 'share/port-445-silent',
    words: /^nothing listens on port \d+$/,
    set: async ({ lab }: LabCluster) => {
      await lab.share.stop();
      return () => lab.share.start();
    },
  },
  {
    fault: 'another program in Samba’s place',
    finds: 'share/port-445-taken',
    words: /^the program node listens on port \d+$/,
    set: async ({ lab }: LabCluster) => {
      await lab.share.stop();
      const listen = `require('node:net').createServer().listen(${lab.ports.share}, '${lab.addresses.share}')`;
      const other = await lab.machine('share').spawn(process.execPath, ['-e', listen], { log: '/var/log/other.log' });
      return async () => {
        process.kill(other.pid, 'SIGKILL');
        await sleep(200);
        await lab.share.start();
      };
    },
  },
];
