import { mkdir, writeFile } from 'node:fs/promises';

import type { DaemonPlan } from './daemon.js';
import type { Machine } from './machine.js';
import { isListening, waitReady } from './reachable.js';

const LOG = '/var/log/samba/smbd.log';

/** Samba on the share machine, as a fresh installation: it runs and serves nothing. */
export function sharePlan(machine: Machine, port: number): DaemonPlan {
  return {
    name: 'share',
    grace: 5000,
    start: async () => {
      await machine.run('mkdir', ['-p', '/run/samba']);
      return machine.spawn('smbd', ['--foreground', '--no-process-group'], { log: LOG });
    },
    ready: async (process) => {
      const server = { name: 'Samba', process, log: machine.disk + LOG };
      await waitReady(server, async () => isListening(machine.address, port));
    },
  };
}

/** Writes /etc/samba/smb.conf with its [global] section only, for the machine's one address. */
export async function prepareShare(machine: Machine, port: number): Promise<void> {
  await mkdir(`${machine.disk}/etc/samba`, { recursive: true });
  await writeFile(
    `${machine.disk}/etc/samba/smb.conf`,
    `[global]
   server role = standalone server
   workgroup = WORKGROUP
   interfaces = ${machine.address}/8
   bind interfaces only = yes
   smb ports = ${port}
   disable netbios = yes
   dns proxy = no
   map to guest = never
   log file = /var/log/samba/log.%m
   max log size = 1000
   load printers = no
   printing = bsd
   printcap name = /dev/null
   disable spoolss = yes
`,
  );
}
