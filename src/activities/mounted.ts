import { RolloutError } from '../cluster/errors.js';
import { SENTINEL } from '../cluster/names.js';
import { readSentinel } from '../platform/sentinel.js';
import type { Resource } from './resource.js';

export interface MountedDesired {
  readonly target: string;
  /** Cluster that the sentinel must name. */
  readonly cluster: string;
}

export interface MountedObserved {
  readonly mounted: boolean;
  readonly cluster: string | null;
}

/** A share that the operator has mounted: looked at, never changed (procedure, rule 17, `share.kind: mounted`). */
export const mounted: Resource<MountedDesired, MountedObserved, 'node'> = {
  place: 'node',

  observe: async ({ target }, { agent, signal }) => {
    const isMounted = await agent.platform.mounts.mounted(target);
    return { mounted: isMounted, cluster: isMounted ? await readSentinel(target, signal) : null };
  },

  diff: ({ target, cluster }, observed) => {
    if (observed?.mounted !== true)
      return [{ what: `share at ${target}`, before: 'not mounted', after: 'mounted by you' }];
    if (observed.cluster === cluster) return [];
    const before = observed.cluster === null ? 'without sentinel' : `cluster ${observed.cluster}`;
    return [{ what: `share at ${target}`, before, after: `cluster ${cluster}` }];
  },

  apply: async (desired, context) => {
    const [difference] = mounted.diff(desired, await mounted.observe(desired, context));
    if (difference === undefined) return;
    const { target, cluster } = desired;
    throw new RolloutError(
      'SHARE_NOT_MOUNTED',
      `the share at ${target} is ${difference.before}: mount it, with a file ${SENTINEL} that says "${cluster}" in it`,
    );
  },

  restore: () => Promise.resolve([]),
};
