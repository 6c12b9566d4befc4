import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { lockFile } from '../transfer/lock.js';
import type { Agent } from './agent.js';
import { inLeaseTurn, inThisBoot, isLost, leaseFile, leftOf, readLease, type Lease } from './lease-record.js';
import { openStages } from './opened.js';
import { putStopBackAlone } from './put-back-alone.js';
import { Turnstile } from './turnstile.js';

/** Milliseconds between two looks at the lease. */
const LOOK = 250;
/** Milliseconds before the same is said again, and the longest pause between two tries of the way back. */
const MINUTE = 60_000;
/** Milliseconds before the second try of the way back; then twice as long each time. */
const FIRST_PAUSE = 1_000;

/** What an agent does for a stop while nobody talks to it. */
export interface Keeper {
  /** Waits until there is no lease that the agent would act upon. */
  unneeded(): Promise<void>;
  /** Ends, and lets another process be the agent. */
  stop(): Promise<void>;
}

/** The lock of whoever may change things on this node in the name of a rollout: its agent, or `recover --local`. */
export async function lockAgent({
  config: { stateDir },
}: Pick<Agent, 'config'>): Promise<Awaited<ReturnType<typeof lockFile>>> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  return lockFile(join(stateDir, 'agent.lock'));
}

/**
 * Keeps the lease of this node from now on, once no other process is its agent: when it runs out before the switch, the
 * old state is put back (design, contract 6). Needs nothing but this machine.
 *
 * @throws RolloutError COMMAND_MISSING without `flock`.
 */
export async function keepLease(agent: Agent): Promise<Keeper> {
  const release = await lockPatiently(agent);
  const stopping = new AbortController();
  const keeper = new LeaseKeeper(agent, stopping.signal);
  const running = keeper.run();
  return {
    unneeded: () => Promise.race([keeper.unneeded(), running]),
    stop: async () => {
      stopping.abort();
      await running;
      release();
      const lease = await readLease(agent).catch(() => null);
      if (lease === null || lease.state === 'acted') return;
      agent.log('the agent ends while services are stopped for a rollout: nobody puts them back before it is started', {
        stop: lease.stage,
        state: lease.state,
      });
    },
  };
}

async function lockPatiently(agent: Agent): Promise<() => void> {
  let told = -Infinity;
  for (;;) {
    const lock = await lockAgent(agent);
    if ('release' in lock) return lock.release;
    if (performance.now() - told >= MINUTE) {
      told = performance.now();
      agent.log('this node has an agent already, or somebody recovers it: waiting for the end of that', lock);
    }
    await sleep(LOOK);
  }
}

class LeaseKeeper {
  #idle: (() => void)[] = [];
  #told = -Infinity;
  #pause = FIRST_PAUSE;
  #next = 0;

  constructor(
    private readonly agent: Agent,
    private readonly stopping: AbortSignal,
  ) {}

  unneeded(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  async run(): Promise<void> {
    while (!this.stopping.aborted) {
      try {
        await this.#look();
      } catch (error) {
        // also a lease that cannot be read: acting upon a guess would be worse than waiting
        this.#tell('the lease of this node cannot be kept', { error });
      }
      await sleep(LOOK, undefined, { signal: this.stopping }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const { agent } = this;
    const lease = await inLeaseTurn(agent, () => this.#judged());
    if (lease === null || lease.state === 'acted' || lease.state === 'switched') {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    if (lease?.state === 'switched' && leftOf(lease) <= 0) {
      this.#tell('nothing is heard of the rollout; its switch is made, so the agent does nothing alone', {
        stop: lease.stage,
        'to put the old state back by hand, stop the agent and type': 'icewarp-rollout recover --local',
      });
    }
    if (lease?.state === 'acting' && performance.now() >= this.#next) await this.#act(lease);
  }

  /** The lease as it stands; one that has run out is marked as lost, durably, before anything is done: the fence. */
  async #judged(): Promise<Lease | null> {
    const { agent } = this;
    const found = await readLease(agent);
    if (found === null || isLost(found)) return found;
    const lease = await inThisBoot(found);
    const runOut = lease.state === 'held' && leftOf(lease) <= 0;
    const opened = runOut && (await openStages(agent)).some((stage) => lease.moves.includes(stage));
    const next: Lease = !runOut
      ? lease
      : opened
        ? { ...lease, state: 'switched' }
        : { ...lease, state: 'acting', alone: { at: Date.now(), done: 0, kept: [] } };
    if (next !== found) await leaseFile(agent).write(next);
    if (next.state === 'acting') agent.log('the lease has run out: the old state is put back', { stop: lease.stage });
    return next;
  }

  async #act(lease: Lease): Promise<void> {
    const { agent, stopping } = this;
    try {
      await Turnstile.of(agent).alone(lease, () => putStopBackAlone(agent, stopping));
      this.#pause = FIRST_PAUSE;
      this.#next = 0;
    } catch (error) {
      if (stopping.aborted) return;
      agent.log('the old state is not back yet, trying again', { stop: lease.stage, error });
      this.#next = performance.now() + this.#pause;
      this.#pause = Math.min(this.#pause * 2, MINUTE);
    }
  }

  #tell(event: string, detail: unknown): void {
    if (performance.now() - this.#told < MINUTE) return;
    this.#told = performance.now();
    this.agent.log(event, detail);
  }
}
