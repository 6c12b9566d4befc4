import { RolloutError } from '../cluster/errors.js';
import type { Stop } from '../cluster/stages.js';
import { inLeaseTurn, inStop, leaseFile, readLease, refuseLost, runsOutIn } from './lease-record.js';
import type { Alone, Lease, LeaseUndo } from './lease-record.js';
import { noteOpened } from './opened.js';
import type { Procedure } from './resource.js';

export interface LeaseTakeInput extends Pick<Stop, 'stage'>, Partial<Pick<Stop, 'moves'>> {
  /** Names this stop, and no other one ever. */
  readonly id: string;
  /** How long it holds unless it is taken again. */
  readonly seconds: number;
  /** IceWarp's folder. */
  readonly directory: string;
  /**
   * What puts this stop back on THIS node, newest first: complete before a step is applied. Left out: as it was last
   * told, so that a renewal is small in history.
   */
  readonly undo?: readonly LeaseUndo[];
}

/**
 * Takes the lease of a stop, or renews it; durable before it answers. From then on this node's agent puts the old state
 * back by itself when it hears nothing more, until the switch is marked (design, contract 6).
 *
 * @returns when it runs out, in milliseconds since the epoch by this machine's clock.
 * @throws RolloutError LEASE_LOST, LEASE_OTHER.
 */
export const leaseTake: Procedure<LeaseTakeInput, { readonly until: number }, 'node'> = {
  place: 'node',
  run: ({ id, stage, moves = [stage], seconds, directory, undo }, { agent }) =>
    inLeaseTurn(agent, async () => {
      const latest = await readLease(agent);
      // what was put back alone is over for whoever begins anew
      const found = latest?.state === 'acted' && latest.id !== id ? null : leaseOf(id, latest);
      const lease: Lease = {
        id,
        machine: agent.machine,
        stage,
        moves,
        directory,
        undo: undo ?? found?.undo ?? [],
        state: found?.state ?? 'held',
        since: found?.since ?? Date.now(),
        ...(await runsOutIn(seconds)),
      };
      await leaseFile(agent).write(lease);
      return { until: lease.until };
    }),
};

/**
 * Marks, durably, that the new settings may be in force from now on: the agent never acts alone any more.
 *
 * @throws RolloutError LEASE_LOST, also when there is no such lease: nothing would guard the switch. LEASE_OTHER.
 */
export const leaseSwitched: Procedure<{ readonly id: string }, null, 'node'> = {
  place: 'node',
  run: ({ id }, { agent }) =>
    inLeaseTurn(agent, async () => {
      const found = leaseOf(id, await readLease(agent));
      if (found === null) throw new RolloutError('LEASE_LOST', `${agent.machine} knows of no lease ${id}`);
      if (found.state !== 'switched') await leaseFile(agent).write({ ...found, state: 'switched' });
      return null;
    }),
};

/**
 * Ends the lease. opened: users are about to come, which is noted for every stage of the stop; otherwise the stop was put
 * back, and no stage of it is open. Where the agent has acted alone, ending it so takes the fence away.
 *
 * @returns what was put back without the rollout, if anything was.
 * @throws RolloutError LEASE_LOST when it shall open what was put back; LEASE_OTHER.
 */
export const leaseEnd: Procedure<
  { readonly id: string; readonly opened: boolean },
  { readonly alone: Alone | null },
  'node'
> = {
  place: 'node',
  changes: 'back',
  run: ({ id, opened }, { agent }) =>
    inLeaseTurn(agent, async () => {
      const found = await readLease(agent);
      if (found === null) return { alone: null };
      refuseOther(id, found);
      if (opened) {
        refuseLost(found);
        // the note is made stage by stage, and none may be open while the agent would still act alone
        if (found.state !== 'switched') await leaseFile(agent).write({ ...found, state: 'switched' });
      }
      for (const stage of found.moves) await noteOpened(agent, stage, opened);
      await leaseFile(agent).remove();
      return { alone: found.alone ?? null };
    }),
};

/** The lease if it is that one and alive; null where there is none. */
function leaseOf(id: string, found: Lease | null): Lease | null {
  refuseLost(found);
  if (found !== null) refuseOther(id, found);
  return found;
}

function refuseOther(id: string, found: Lease): void {
  if (found.id !== id) throw inStop(found);
}
