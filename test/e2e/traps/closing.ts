import type { LabCluster } from '../lab-cluster.js';
import { withClusterFile } from './installed.js';
import type { Trap } from './trap.js';

/** Faults of a server in production that is to be closed while it moves. */
export const CLOSING_TRAPS: readonly Trap[] = [
  {
    fault: 'a server in production whose agent may not close it',
    finds: 'A/no-way-to-close',
    words: /^nftables takes no table from the agent of this node$/,
    set: async (cluster: LabCluster) => {
      const heal = await withClusterFile(cluster, (text) => `${text}cutover: { close: firewall }\n`);
      const machine = cluster.lab.machine('A');
      await machine.run('mount', ['--bind', '/usr/bin/false', '/usr/sbin/nft']);
      return async () => {
        await machine.run('umount', ['/usr/sbin/nft']);
        await heal();
      };
    },
  },
  {
    fault: 'a server in production that nobody closes',
    finds: 'A/clients-not-kept-out',
    words: /^the cluster file says cutover\.close: none$/,
    set: (cluster) => withClusterFile(cluster, (text) => `${text}cutover: { close: none }\n`),
  },
];
