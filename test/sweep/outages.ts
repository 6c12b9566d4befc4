import { setTimeout as sleep } from 'node:timers/promises';

import { type Lab, NODES } from '../../src/lab/lab.js';
import { type StallingRelay, stallingRelay } from '../support/stalling-relay.js';
import type { StepTime } from './kill.js';
import { Moments } from './moments.js';
import type { Disturbance } from './rollout.js';

const MINUTE = 60_000;
const MOUNT = '/mnt/icewarp';
/** Its agent reaches Temporal through a relay. */
const CUT_OFF = 'B';

/** Something that is away for a minute, from the middle of a step that needs it. */
export interface Outage {
  readonly what: string;
  readonly step: string;
  begin(lab: Lab, relay: StallingRelay): Promise<void>;
  end(lab: Lab, relay: StallingRelay): Promise<void>;
}

export const OUTAGES: readonly Outage[] = [
  {
    what: 'the database server is stopped for a minute',
    step: 'A/tables:stopped',
    begin: (lab) => lab.database.stop(),
    end: (lab) => lab.database.start(),
  },
  {
    what: 'an attempt is held up for a minute, loses its heartbeat, and goes on when the next one is due',
    step: 'A/mailAccounts',
    begin: (lab) => lab.killAgent('A', 'SIGSTOP'),
    end: (lab) => lab.killAgent('A', 'SIGCONT'),
  },
  {
    what: 'no node can write on the share for a minute',
    step: 'A/sharedConfiguration',
    begin: (lab) => remount(lab, 'ro'),
    end: (lab) => remount(lab, 'rw'),
  },
  {
    what: 'nothing of an agent gets through to Temporal for a minute, nor back',
    step: 'B/services:shared',
    begin: async (_lab, relay) => relay.cut(),
    end: async (_lab, relay) => relay.heal(),
  },
];

/** Meets a rollout with every outage, one after the other as its steps come. */
export async function outages(lab: Lab, times: readonly StepTime[]): Promise<Disturbance> {
  const [host = '', port = ''] = lab.temporal.address.split(':');
  const relay = await stallingRelay(host, Number(port));
  await lab.killAgent(CUT_OFF);
  await lab.agent(CUT_OFF, { TEMPORAL_ADDRESS: relay.address }).start();
  const running = new Map<Outage, Promise<void>>();
  const pass = async ({ begin, end }: Outage): Promise<void> => {
    await begin(lab, relay);
    await sleep(MINUTE);
    await end(lab, relay);
  };
  const moments = new Moments(new Map(times.map((time) => [time.step, time])), (step, moment) => {
    if (moment === 'start') return;
    const due = OUTAGES.find((outage) => outage.step === step);
    // at its end, where it was quicker than usual
    if (due !== undefined && !running.has(due)) running.set(due, pass(due));
  });
  return {
    see: (happening) => moments.see(happening),
    end: async () => {
      moments.stop();
      await Promise.all(running.values());
      await lab.killAgent(CUT_OFF);
      await lab.startAgent(CUT_OFF);
      relay.close();
      const missed = OUTAGES.filter((outage) => !running.has(outage)).map(({ step }) => step);
      if (missed.length > 0) throw new Error(`never came: ${missed.join(', ')}`);
    },
  };
}

async function remount(lab: Lab, how: 'ro' | 'rw'): Promise<void> {
  for (const node of NODES) await lab.machine(node).run('mount', ['-o', `remount,bind,${how}`, MOUNT]);
}
