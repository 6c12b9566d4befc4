import type { Agent } from './agent.js';
import { inOurWords } from './guarded.js';
import { inLeaseTurn, leaseFile, readLease, type Alone, type Lease } from './lease-record.js';
import { putStopBack } from './put-back.js';

/**
 * Puts the old state of a stop back without its rollout, from where an earlier try ended, and keeps with the lease how
 * far it is: the lease must say that it is acted upon. May be killed anywhere and run again.
 *
 * @returns the lease as it is then.
 * @throws what a restore fails with, which is noted in our own words.
 */
export async function putStopBackAlone(agent: Agent, signal: AbortSignal): Promise<Lease | null> {
  const lease = await readLease(agent);
  if (lease?.state !== 'acting') return lease;
  try {
    await putStopBack(agent, lease, lease.alone?.done ?? 0, signal, async (done, kept) => {
      await note(agent, lease, ({ kept: before }) => ({ done, kept: [...before, ...kept] }));
    });
  } catch (error) {
    if (!signal.aborted) {
      const { code, message } = inOurWords(error);
      await note(agent, lease, () => ({ failure: { code, why: agent.secrets.redact(message) } }));
    }
    throw error;
  }
  agent.log('the old state is back', { stop: lease.stage });
  return note(agent, lease, () => ({}), 'acted');
}

/** Writes how far it is, unless the rollout is back and has ended this lease meanwhile. */
async function note(
  agent: Agent,
  { id }: Lease,
  change: (alone: Alone) => Partial<Alone>,
  state: Lease['state'] = 'acting',
): Promise<Lease | null> {
  return inLeaseTurn(agent, async () => {
    const now = await readLease(agent);
    if (now?.id !== id || now.alone === undefined) return now;
    const { failure: _, ...alone } = now.alone;
    const next: Lease = { ...now, state, alone: { ...alone, ...change(now.alone) } };
    await leaseFile(agent).write(next);
    return next;
  });
}
