import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Server } from './server.js';

/** Starts the watchdog in the process group of the control service, with which it ends. */
export function startWatchdog({ installation, machine }: Server): void {
  const script = fileURLToPath(new URL('./watchdog-service.js', import.meta.url));
  spawn(machine.node, [script], {
    argv0: `${installation.directory}/watchdog`,
    cwd: installation.directory,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}
