import { secondsSince } from './elapsed.js';
import type { Procedure } from './resource.js';
import { stopForChange } from './restart-marker.js';

/**
 * Stops every service of a node, proven, and notes what served: whatever ends the stop, forth or back, starts that again.
 *
 * @throws RolloutError SERVICES_RUNNING when something does not stop.
 */
export const stopServices: Procedure<{ readonly directory: string }, { readonly seconds: number }, 'node'> = {
  place: 'node',
  changes: 'forward',
  async run({ directory }, context) {
    const start = Date.now();
    await stopForChange(directory, context);
    return { seconds: secondsSince(start) };
  },
};
