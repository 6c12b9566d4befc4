import type { LabUpOptions } from '../../src/lab/lab.js';

/** A rollout that is swept: on which lab, and by which command. */
export interface Scenario {
  /** Heading of its table in docs/reliability.md. */
  readonly title: string;
  readonly lab: Omit<LabUpOptions, 'dir' | 'log'>;
  /** The command line, to which the lab's cluster file is added. */
  readonly command: readonly [verb: string, ...flags: string[]];
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  fresh: {
    title: 'Order 1: a fresh cluster',
    lab: { agents: true, oldMail: true },
    command: ['start', '--yes', '--detach'],
  },
};
