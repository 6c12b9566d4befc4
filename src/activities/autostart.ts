import { RolloutError } from '../cluster/errors.js';
import type { Resource } from './resource.js';

export interface AutostartDesired {
  readonly service: string;
  readonly enabled: boolean;
}

export interface AutostartObserved {
  readonly enabled: boolean;
}

/** Whether a service starts with the machine. Off until its node has joined (procedure, rule 5). */
export const autostart: Resource<AutostartDesired, AutostartObserved, 'node'> = {
  place: 'node',

  observe: async ({ service }, { agent, signal }) => {
    const enabled = await agent.platform.services.startsAtBoot(service, signal);
    return enabled === null ? null : { enabled };
  },

  diff: ({ service, enabled }, observed) => {
    if (observed?.enabled === enabled) return [];
    const before = observed === null ? 'not installed' : word(observed.enabled);
    return [{ what: `start of ${service} at boot`, before, after: word(enabled) }];
  },

  apply: ({ service, enabled }, { agent, signal }) => agent.platform.services.setStartAtBoot(service, enabled, signal),

  restore: async ({ service }, before, { agent, signal }) => {
    // Without a former state the service was installed by this rollout: it goes with the installation.
    if (before === null) return [];
    const { services } = agent.platform;
    const now = await services.startsAtBoot(service, signal);
    if (now === null) {
      throw new RolloutError(
        'CHANGED_MEANWHILE',
        `the service ${service} is gone: its start at boot was ${word(before.enabled)}`,
      );
    }
    if (now !== before.enabled) await services.setStartAtBoot(service, before.enabled, signal);
    return [];
  },
};

const word = (enabled: boolean): string => (enabled ? 'on' : 'off');
