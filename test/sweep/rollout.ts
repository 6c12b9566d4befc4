import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { rolloutIdOf } from '../../src/cluster/names.js';
import { type Lab, labDown, labUp } from '../../src/lab/lab.js';
import { LAB_CLUSTER } from '../../src/lab/machine-files.js';
import { commandUpdate, statusQuery } from '../../src/workflows/status.js';
import { run } from '../cli/command-line.js';
import type { Snapshot } from '../e2e/snapshot.js';
import { withRollout } from '../support/rollout-handle.js';
import { follow, type Happening } from './history.js';
import { replayTrouble } from './replays.js';
import type { Scenario } from './scenario.js';
import { endState } from './state.js';

/** Milliseconds without anything happening after which a rollout is stuck. */
const STUCK = 5 * 60_000;
/** Milliseconds between two looks for held steps. */
const LOOK = 1_000;
/** A step that is held more often after what was wrong is there again does not go on. */
const MOST_RETRIES = 8;

/** What a rollout of a scenario left, and how it went. */
export interface Rolled {
  readonly happenings: readonly Happening[];
  /** Steps that were held until an operator typed `retry`, with the codes that they gave. */
  readonly retried: ReadonlyMap<string, readonly string[]>;
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
  const lab = await labUp({ dir, log: () => undefined, ...scenario.lab });
  try {
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
    const retries = retryHeld(lab, over.signal);
    const ending = await follow(lab.temporal.address, rolloutIdOf(LAB_CLUSTER), see, over.signal).catch(String);
    clearTimeout(stuck);
    await disturbance.end();
    over.abort();
    const retried = await retries;
    const trouble = await replayTrouble(lab);
    if (ending !== 'completed' || trouble !== null) throw new Error(`${ending}; ${trouble ?? 'its history replays'}`);
    await mustPass(lab, 'verify', []);
    return { happenings, retried, state: await endState(lab) };
  } finally {
    await labDown(dir);
    await rm(dir, { recursive: true, force: true });
  }
}

async function mustPass(lab: Lab, verb: string, flags: readonly string[]): Promise<void> {
  const { code, out, err } = await run([verb, lab.paths.clusterFile, ...flags], {
    TEMPORAL_ADDRESS: lab.temporal.address,
  });
  if (code !== 0) throw new Error(`${verb} ended with ${code}: ${out}${err}`);
}

/** Types `retry` for whatever is held, as an operator does once everything is there again. */
async function retryHeld(lab: Lab, signal: AbortSignal): Promise<ReadonlyMap<string, readonly string[]>> {
  const retried = new Map<string, string[]>();
  while (!signal.aborted) {
    await sleep(LOOK);
    await withRollout(lab, async (handle) => {
      const { steps } = await handle.query(statusQuery);
      const held = steps.flatMap(({ id, state }) => (state.is === 'held' ? [{ id, code: state.code }] : []));
      for (const { id, code } of held) {
        const codes = retried.get(id) ?? [];
        if (codes.length >= MOST_RETRIES) continue;
        await handle.executeUpdate(commandUpdate, { args: [{ verb: 'retry', step: id, by: 'sweep' }] });
        retried.set(id, [...codes, code]);
      }
    }).catch(() => undefined); // the server or the control worker is away just now
  }
  return retried;
}
