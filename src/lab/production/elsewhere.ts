import { existsSync } from 'node:fs';

import { SHARE_DISK } from '../boot-script.js';
import type { Lab } from '../handle.js';
import { NODES } from '../layout.js';
import { ELSEWHERE, homeOnDisk } from './content.js';
import { type OldServerSize, userElsewhere } from './old-server.js';

/**
 * What an administrator does for the mailbox outside of the mail folder before a cluster comes: moves it to the file
 * server and shows that folder to every node at the same path. To be called while nobody uses the mailbox. It is a mount
 * of its own which a node that loses its power loses, too, and no network file system in the eyes of a preflight.
 */
export async function shareElsewhere(lab: Lab): Promise<void> {
  const shared = `${SHARE_DISK}${ELSEWHERE}`;
  await lab.machine('A').run('cp', ['--archive', ELSEWHERE, shared]);
  for (const node of NODES) {
    const machine = lab.machine(node);
    await machine.run('mkdir', ['-p', ELSEWHERE]);
    await machine.run('mount', ['--bind', shared, ELSEWHERE]);
  }
}

/** The folder of the mailbox outside of the mail folder, as it is seen from outside of the machines. */
export function elsewhereOnDisk(lab: Lab, size: OldServerSize): string {
  const disks = [lab.machine('share').disk, lab.machine('A').disk];
  const disk = disks.find((one) => existsSync(one + ELSEWHERE)) ?? '';
  return homeOnDisk(disk, userElsewhere(size), size);
}
