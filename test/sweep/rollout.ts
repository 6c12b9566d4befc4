import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { rolloutIdOf } from '../../src/cluster/names.js';
import { type Lab, labDown, labUp } from '../../src/lab/lab.js';
import { LAB_CLUSTER } from '../../src/lab/machine-files.js';
import { run } from '../cli/command-line.js';
import type { Snapshot } from '../e2e/snapshot.js';
import { follow, type Happening } from './history.js';
import { type Operated, Operator } from './operator.js';
import { replayTrouble } from './replays.js';
import type { Scenario } from './scenario.js';
import { endState } from './state.js';

/** Milliseconds without anything happening after which a rollout is stuck. */
const STUCK = 3 * 60_000;

/** The labs that are up. */
const labs = new Set<string>();

/** For a sweep that is ended early: it leaves no lab behind. */
export async function takeLabsDown(): Promise<void> {
  for (const dir of labs) await takeDown(dir);
}

/** What a rollout of a scenario left, and how it went. */
export interface Rolled extends Operated {
  readonly happenings: readonly Happening[];
  readonly state: Snapshot;
}

/** What meets a rollout on its way. */
export interface Disturbance {
  see(happening: Happening): void;
  /** No more of it; waits until everything works again. */
  end(): Promise<void>;
}

/**
 * One rollout on a lab of its own, from nothing to its end, which must be a good one: everything done, nothing left to
 * do, every probe passed.
 *
 * @throws Error that says what the rollout came to instead.
 */
export async function roll(
  scenario: Scenario,
  disturb: (lab: Lab) => Disturbance | Promise<Disturbance>,
): Promise<Rolled> {
  const dir = await mkdtemp(join(tmpdir(), 'icewarp-rollout-sweep-'));
  labs.add(dir);
  try {
    const lab = await labUp({ dir, log: () => undefined, ...scenario.lab });
    await scenario.prepare?.(lab);
    const disturbance = await disturb(lab);
    const happenings: Happening[] = [];
    const over = new AbortController();
    const stuck = setTimeout(() => over.abort(new Error('the rollout is stuck')), STUCK);
    const see = (happening: Happening): void => {
      stuck.refresh();
      happenings.push(happening);
      disturbance.see(happening);
    };
    const [verb, ...flags] = scenario.command;
    await mustPass(lab, verb, flags);
    const operator = new Operator(lab);
    const operated = operator.operate(over.signal);
    const ending = await follow(lab.temporal.address, rolloutIdOf(LAB_CLUSTER), see, over.signal).catch(String);
    clearTimeout(stuck);
    await disturbance.end();
    over.abort();
    const done = await operated;
    const trouble = await replayTrouble(lab);
    if (ending !== 'completed' || trouble !== null) {
      throw new Error(`${ending} at ${operator.lastSeen}; ${trouble ?? 'its history replays'}`);
    }
    await mustPass(lab, 'verify', []);
    const users = (await scenario.users?.(lab)) ?? {};
    return { happenings, ...done, state: { ...users, ...(await endState(lab)) } };
  } finally {
    await takeDown(dir);
  }
}

async function takeDown(dir: string): Promise<void> {
  await labDown(dir);
  await rm(dir, { recursive: true, force: true });
  labs.delete(dir);
}

async function mustPass(lab: Lab, verb: string, flags: readonly string[]): Promise<void> {
  const { code, out, err } = await run([verb, lab.paths.clusterFile, ...flags], {
    TEMPORAL_ADDRESS: lab.temporal.address,
  });
  if (code !== 0) throw new Error(`${verb} ended with ${code}: ${out}${err}`);
}
