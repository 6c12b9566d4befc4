import { rm } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from './run.js';

/** Where the start script of a service is that an installer has put there. */
export const initScript = (service: string): string => `/etc/init.d/${service}`;

/** Removes the start script of a service and its links; for what an installer left that has no uninstaller. */
export async function removeInitScript(service: string, signal: AbortSignal): Promise<void> {
  await rm(initScript(service), { force: true });
  try {
    await runCommand('update-rc.d', [service, 'remove'], { signal });
  } catch (error) {
    // Without that command there are no links.
    if (!(error instanceof RolloutError) || error.code !== 'COMMAND_MISSING') throw error;
  }
}
