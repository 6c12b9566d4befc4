import { RolloutError } from '../cluster/errors.js';
import { linux } from './linux.js';
import type { Platform } from './platform.js';

/**
 * The platform that this process runs on.
 *
 * @throws RolloutError PLATFORM_UNKNOWN on anything but Linux.
 */
export function platformHere(): Platform {
  if (process.platform === 'linux') return linux;
  throw new RolloutError(
    'PLATFORM_UNKNOWN',
    `agents run on Linux so far, this machine runs ${process.platform}: only the command line works here`,
  );
}
