import { once } from 'node:events';

import { RolloutError } from '../cluster/errors.js';
import type { Agent } from './agent.js';
import { isLost, lost, readLease, refuseLost, type Lease } from './lease-record.js';

/** Whether what changes this machine leads on, or puts back what was changed. */
export type Direction = 'forward' | 'back';

/** Lets one piece of work in; its signal also ends when the agent wants to be alone. */
export type Enter<T> = (signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>) => Promise<T | typeof AGAIN>;

const AGAIN = Symbol('the agent was alone, or wanted to be');

const turnstiles = new WeakMap<Agent, Turnstile>();

/**
 * Whoever changes something on this machine passes here: the agent's own way back stops what is inside, waits until it
 * has ended, and is then alone (design, contract 6).
 */
export class Turnstile {
  readonly #inside = new Map<AbortController, Promise<unknown>>();
  #alone: Promise<unknown> | undefined;

  static of(agent: Agent): Turnstile {
    const turnstile = turnstiles.get(agent) ?? new Turnstile();
    turnstiles.set(agent, turnstile);
    return turnstile;
  }

  /** Runs once everything that was inside has ended; nothing else gets in meanwhile. Not to be called twice at once. */
  async alone<T>(lease: Lease, run: () => Promise<T>): Promise<T> {
    const work = this.#emptied(lease).then(run);
    this.#alone = work;
    try {
      return await work;
    } finally {
      this.#alone = undefined;
    }
  }

  /** Runs beside others of its kind; AGAIN when the agent was alone, or has stopped it to be. */
  async enter<T>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T | typeof AGAIN> {
    if (this.#alone !== undefined) return AGAIN;
    const stop = new AbortController();
    const work = run(AbortSignal.any([signal, stop.signal]));
    this.#inside.set(stop, work);
    try {
      const result = await work;
      return stop.signal.aborted ? AGAIN : result;
    } catch (error) {
      if (stop.signal.aborted && !signal.aborted) return AGAIN;
      throw error;
    } finally {
      this.#inside.delete(stop);
    }
  }

  /** Waits until the agent is not alone. */
  async free(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const over = new AbortController();
    try {
      while (this.#alone !== undefined) {
        const ended = this.#alone.catch(() => undefined);
        await Promise.race([ended, once(signal, 'abort', { signal: over.signal })]);
        signal.throwIfAborted();
      }
    } finally {
      over.abort();
    }
  }

  async #emptied(lease: Lease): Promise<void> {
    for (const one of this.#inside.keys()) one.abort(lost(lease));
    await Promise.allSettled(this.#inside.values());
  }
}

/**
 * Runs what changes this machine. On the way forward it is refused once the old state was put back without the rollout:
 * the fence. On the way back it waits while the agent is at the same, and then finds little left to do.
 *
 * @param begin begins the work, and has `enter` run what changes something.
 * @throws RolloutError LEASE_LOST on the way forward.
 */
export async function changing<T>(
  agent: Agent,
  direction: Direction,
  signal: AbortSignal,
  begin: (enter: Enter<T>) => Promise<T | typeof AGAIN>,
): Promise<T> {
  const turnstile = Turnstile.of(agent);
  const enter: Enter<T> = (inner, run) =>
    turnstile.enter(inner, async (both) => {
      // inside already: whoever writes the fence now stops what is here
      if (direction === 'forward') refuseLost(await readLease(agent));
      return run(both);
    });
  for (;;) {
    if (direction === 'back') await turnstile.free(signal);
    const result = await begin(enter);
    if (result !== AGAIN) return result;
    if (direction === 'forward') throw stopped(agent, await readLease(agent));
  }
}

/** What a step is told that the agent's own way back has stopped: also when that is over and acknowledged by now. */
function stopped({ machine }: Agent, lease: Lease | null): RolloutError {
  if (lease !== null && isLost(lease)) return lost(lease);
  return new RolloutError('LEASE_LOST', `${machine}: the old state was put back without the rollout meanwhile`);
}
