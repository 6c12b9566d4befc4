import { ensureStarted, ensureStopped, MODULES, runningModules } from '../icewarp/control.js';
import { isInstalled } from '../icewarp/layout.js';
import type { Change, Context, Resource } from './resource.js';
import { clearRestart, readMarker } from './restart-marker.js';

/** IceWarp's services run, with everything that was set in effect (G11, G23). */
export interface ServicesDesired {
  readonly directory: string;
  readonly running: true;
}

export interface ServicesObserved {
  readonly running: readonly string[];
  /** What was changed since they started. */
  readonly restartNeeded: readonly string[];
  /** What served until an earlier step stopped it. */
  readonly stopped: readonly string[];
}

export const services: Resource<ServicesDesired, ServicesObserved, 'node'> = {
  place: 'node',
  observe,

  diff(_, observed) {
    if (observed === null) return [{ what: 'services', before: 'not installed', after: 'running' }];
    const changes: Change[] = [];
    const missing = MODULES.filter((module) => !observed.running.includes(module));
    if (missing.length > 0)
      changes.push({ what: `services ${missing.join(', ')}`, before: 'stopped', after: 'running' });
    if (observed.restartNeeded.length > 0) {
      changes.push({ what: observed.restartNeeded.join(', '), before: 'not in effect', after: 'in effect' });
    }
    return changes;
  },

  async apply(desired, context) {
    const observed = await observe(desired, context);
    if (services.diff(desired, observed).length > 0) await restart(desired.directory, context);
    await clearRestart(context.agent);
  },

  async restore(desired, before, context) {
    const { directory } = desired;
    if (!(await isInstalled(directory))) {
      await clearRestart(context.agent);
      return [];
    }
    const served = before !== null && before.running.length + before.stopped.length > 0;
    if (!served) await ensureStopped(directory, context.signal);
    else if (services.diff(desired, await observe(desired, context)).length > 0) await restart(directory, context);
    await clearRestart(context.agent);
    return [];
  },
};

/** Stops everything, proven, and starts everything, awaited: the vendor's restart does neither. */
export async function restart(directory: string, { signal }: Pick<Context, 'signal'>): Promise<void> {
  await ensureStopped(directory, signal);
  await ensureStarted(directory, signal);
}

async function observe({ directory }: ServicesDesired, { agent }: Context): Promise<ServicesObserved | null> {
  if (!(await isInstalled(directory))) return null;
  const { reasons, stopped } = await readMarker(agent);
  return { running: await runningModules(directory), restartNeeded: reasons, stopped };
}
