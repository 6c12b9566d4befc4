import { linuxGroups, linuxUsers } from './linux-accounts.js';
import { linuxMounts } from './linux-mounts.js';
import { linuxServices } from './linux-services.js';
import type { Platform } from './platform.js';

/** Linux, by the commands that every distribution has. */
export const linux: Platform = {
  kind: 'linux',
  users: linuxUsers,
  groups: linuxGroups,
  services: linuxServices,
  mounts: linuxMounts,
};
