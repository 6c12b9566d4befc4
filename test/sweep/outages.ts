import { setTimeout as sleep } from 'node:timers/promises';

import { type Lab, type NodeName, NODES } from '../../src/lab/lab.js';
import { type StallingRelay, stallingRelay } from '../support/stalling-relay.js';
import type { StepTime } from './kill.js';
import { Moments } from './moments.js';
import type { Disturbance } from './rollout.js';

const MINUTE = 60_000;
const MOUNT = '/mnt/icewarp';

/** Something that is away for a minute, from the middle of a step that needs it. */
export interface Outage {
  readonly what: string;
  readonly step: string;
  /** Whose agent reaches Temporal through the relay, where the outage needs that. */
  readonly relayed?: NodeName;
  begin(lab: Lab, relay: StallingRelay): Promise<void>;
  end(lab: Lab, relay: StallingRelay): Promise<void>;
}

export function databaseAway(step: string): Outage {
  return {
    what: 'the database server is stopped for a minute',
    step,
    begin: (lab) => lab.database.stop(),
    end: (lab) => lab.database.start(),
  };
}

export function oldAttempt(node: NodeName, step: string): Outage {
  return {
    what: 'an attempt is held up for a minute, loses its heartbeat, and goes on when the next one is due',
    step: `${node}/${step}`,
    begin: (lab) => lab.killAgent(node, 'SIGSTOP'),
    end: (lab) => lab.killAgent(node, 'SIGCONT'),
  };
}

export function shareUnwritable(step: string): Outage {
  return {
    what: 'no node can write on the share for a minute',
    step,
    begin: (lab) => remount(lab, 'ro'),
    end: (lab) => remount(lab, 'rw'),
  };
}

export function cutOff(node: NodeName, step: string): Outage {
  return {
    what: 'nothing of an agent gets through to Temporal for a minute, nor back',
    step: `${node}/${step}`,
    relayed: node,
    begin: async (_lab, relay) => relay.cut(),
    end: async (_lab, relay) => relay.heal(),
  };
}

/**
 * Meets a rollout with every outage, one after the other as its steps come.
 *
 * @param begun gets when each began.
 */
export async function outages(
  lab: Lab,
  all: readonly Outage[],
  times: readonly StepTime[],
  begun: Map<Outage, number>,
): Promise<Disturbance> {
  const [host = '', port = ''] = lab.temporal.address.split(':');
  const relay = await stallingRelay(host, Number(port));
  const relayed = all.flatMap((outage) => outage.relayed ?? []);
  for (const node of relayed) {
    await lab.killAgent(node);
    await lab.agent(node, { TEMPORAL_ADDRESS: relay.address }).start();
  }
  const passing: Promise<void>[] = [];
  const pass = async ({ begin, end }: Outage): Promise<void> => {
    await begin(lab, relay);
    await sleep(MINUTE);
    await end(lab, relay);
  };
  const moments = new Moments(new Map(times.map((time) => [time.step, time])), (step, moment) => {
    if (moment === 'start') return;
    const due = all.find((outage) => outage.step === step);
    // at its end, where it was quicker than usual
    if (due === undefined || begun.has(due)) return;
    begun.set(due, Date.now());
    passing.push(pass(due));
  });
  return {
    see: (happening) => moments.see(happening),
    end: async () => {
      moments.stop();
      await Promise.all(passing);
      for (const node of relayed) {
        await lab.killAgent(node);
        await lab.startAgent(node);
      }
      relay.close();
      const missed = all.filter((outage) => !begun.has(outage)).map(({ step }) => step);
      if (missed.length > 0) throw new Error(`never came: ${missed.join(', ')}`);
    },
  };
}

async function remount(lab: Lab, how: 'ro' | 'rw'): Promise<void> {
  for (const node of NODES) await lab.machine(node).run('mount', ['-o', `remount,bind,${how}`, MOUNT]);
}
