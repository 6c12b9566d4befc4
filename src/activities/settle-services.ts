import { ensureStarted, runningModules } from '../icewarp/control.js';
import { isInstalled } from '../icewarp/layout.js';
import type { Context, Procedure } from './resource.js';
import { clearRestart, readMarker, stopForChange } from './restart-marker.js';

/**
 * Ends the way back on a node: what served before our steps stopped it serves again, with everything that was put back
 * in effect; what did not serve stays stopped.
 */
export const settleServices: Procedure<{ readonly directory: string }, { readonly restarted: boolean }, 'node'> = {
  place: 'node',
  changes: 'back',
  async run({ directory }, context) {
    const restarted = (await isInstalled(directory)) && (await isOwed(directory, context));
    if (restarted) {
      // Notes what runs now, so that a kill before the start loses nothing.
      await stopForChange(directory, context);
      await ensureStarted(directory, context.signal);
    }
    await clearRestart(context.agent);
    return { restarted };
  },
};

/** Whether services that served were stopped by us, or serve without what was changed under them. */
async function isOwed(directory: string, { agent }: Context): Promise<boolean> {
  const { reasons, stopped } = await readMarker(agent);
  if (stopped.length > 0) return true;
  return reasons.length > 0 && (await runningModules(directory)).length > 0;
}
