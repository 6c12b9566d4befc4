import { secondsSince } from './elapsed.js';
import type { Procedure } from './resource.js';
import { clearRestart } from './restart-marker.js';
import { restart } from './services.js';

/** Restarts every service of a node and waits until all live (G11, G23). */
export const restartServices: Procedure<{ readonly directory: string }, { readonly seconds: number }, 'node'> = {
  place: 'node',
  changes: 'forward',
  async run({ directory }, context) {
    const start = Date.now();
    await restart(directory, context);
    await clearRestart(context.agent);
    return { seconds: secondsSince(start) };
  },
};
