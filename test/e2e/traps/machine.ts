import { rm, writeFile } from 'node:fs/promises';

import type { LabCluster } from '../lab-cluster.js';
import type { Trap } from './trap.js';

/** Faults of one machine: its ports, disks, names and jobs. */
export const MACHINE_TRAPS: readonly Trap[] = [
  {
    fault: 'a mail server that came with the system',
    finds: 'B/port-25-taken',
    words: /program node listens on port 25/,
    set: async ({ lab }: LabCluster) => {
      const listen = `require('node:net').createServer().listen(25, '${lab.addresses.B}')`;
      const other = await lab.machine('B').spawn(process.execPath, ['-e', listen], { log: '/var/log/other-mail.log' });
      return async () => {
        process.kill(other.pid, 'SIGKILL');
        await rm(`${lab.machine('B').disk}/var/log/other-mail.log`, { force: true });
      };
    },
  },
  {
    fault: 'a cron job that writes into the installation folder',
    finds: 'C/scheduled-writer',
    words: /\/etc\/cron\.d\/mail-backup:1/,
    set: async ({ lab }: LabCluster) => {
      const file = `${lab.machine('C').disk}/etc/cron.d/mail-backup`;
      await writeFile(file, '0 3 * * * root tar -C /opt/icewarp -cf /var/backups/mail.tar .\n');
      return () => rm(file);
    },
  },
];
