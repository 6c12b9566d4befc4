import { uptime } from 'node:os';

import { RolloutError } from '../cluster/errors.js';
import type { Stop } from '../cluster/stages.js';
import { identify } from '../transfer/process-identity.js';
import type { Agent } from './agent.js';
import { inTurn } from './in-turn.js';
import { stateFile, type StateFile } from './state-file.js';

/** One step of a stop, as what is needed to put it back. Holds no secret, as no undo does. */
export interface LeaseUndo {
  readonly kind: string;
  readonly step: string;
  readonly title: string;
  readonly desired: unknown;
  readonly before: unknown;
}

/** What was put back without the rollout, by the agent or by hand. */
export interface Alone {
  /** When it began, in milliseconds since the epoch by this machine's clock. */
  readonly at: number;
  /** An operator did it, with `recover --local`. */
  readonly byHand?: true;
  /** How many steps are put back. */
  readonly done: number;
  /** What was left in place, and why. */
  readonly kept: readonly string[];
  /** Why the latest try ended early. */
  readonly failure?: { readonly code: string; readonly why: string };
}

/**
 * held: services are stopped, and who stopped them must go on saying that it lives. switched: the new settings may be in
 * force. acting, acted: the old state is being put back, or was, without the rollout.
 */
export type LeaseState = 'held' | 'switched' | 'acting' | 'acted';

/** The lease on a node whose services a rollout has stopped (design, contract 6), as it lies on that node's disk. */
export interface Lease extends Pick<Stop, 'stage' | 'moves'> {
  readonly id: string;
  readonly machine: string;
  readonly directory: string;
  /** What puts this stop back here, newest first. */
  readonly undo: readonly LeaseUndo[];
  readonly state: LeaseState;
  /** When it was first taken, and until when it holds: milliseconds since the epoch by this machine's clock. */
  readonly since: number;
  readonly until: number;
  /** Seconds that it was last taken for. */
  readonly seconds: number;
  /** The boot in which it was, and the seconds since then at which it runs out: no clock that is set changes them. */
  readonly boot: string;
  readonly untilUptime: number;
  readonly alone?: Alone;
}

export function leaseFile(agent: Pick<Agent, 'config'>): StateFile<Lease> {
  return stateFile<Lease>(agent, 'lease');
}

/** The lease of this machine; null: there is none. */
export async function readLease(agent: Pick<Agent, 'config' | 'machine'>): Promise<Lease | null> {
  const lease = await leaseFile(agent).read();
  return lease?.machine === agent.machine ? lease : null;
}

/** Lets what reads and then writes the lease in this process come one after the other. */
export function inLeaseTurn<T>(agent: Agent, run: () => Promise<T>): Promise<T> {
  return inTurn(`lease ${agent.config.stateDir}`, new AbortController().signal, run);
}

/** When a lease runs out that is taken now. */
export async function runsOutIn(seconds: number): Promise<Pick<Lease, 'until' | 'seconds' | 'boot' | 'untilUptime'>> {
  return { seconds, until: Date.now() + seconds * 1000, boot: await bootId(), untilUptime: uptime() + seconds };
}

/** Seconds that are left of a lease of this boot; none or less: it has run out. */
export function leftOf({ untilUptime, seconds }: Lease): number {
  // a container that was started again counts from zero in the same boot
  return Math.min(untilUptime - uptime(), seconds);
}

/** The lease counted in this boot: after another one only the clock tells how long the machine was off. */
export async function inThisBoot(lease: Lease): Promise<Lease> {
  const boot = await bootId();
  if (lease.boot === boot) return lease;
  const left = Math.min((lease.until - Date.now()) / 1000, lease.seconds);
  return { ...lease, boot, untilUptime: uptime() + left };
}

/** Whether the old state was put back, or is being, without the rollout. */
export function isLost({ state }: Lease): boolean {
  return state === 'acting' || state === 'acted';
}

/** @throws RolloutError LEASE_LOST once the old state was put back without the rollout. */
export function refuseLost(lease: Lease | null): void {
  if (lease !== null && isLost(lease)) throw lost(lease);
}

/** What has become of a stop whose lease is lost. */
export function lost({ machine, stage, state, alone }: Lease): RolloutError {
  const when = new Date(alone?.at ?? 0).toISOString();
  const who =
    alone?.byHand === true ? 'somebody, with recover --local,' : 'the agent by itself, because its lease ran out,';
  const what = state === 'acted' ? 'has put the old state back' : 'is putting the old state back';
  const why = alone?.failure === undefined ? '' : `; it is not through: ${alone.failure.why}`;
  return new RolloutError('LEASE_LOST', `${machine}, stop "${stage}": ${who} ${what}, since ${when}${why}`);
}

/** What is said to whoever wants something else while a stop is not over. */
export function inStop({ machine, stage, id, since }: Lease): RolloutError {
  const began = new Date(since).toISOString();
  return new RolloutError('LEASE_OTHER', `${machine} is in stop "${stage}" since ${began} (lease ${id})`);
}

async function bootId(): Promise<string> {
  return (await identify())?.boot ?? '';
}
