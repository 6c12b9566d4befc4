import type { Closing } from '../cluster/closing.js';
import { RolloutError } from '../cluster/errors.js';
import { readRegistration } from '../icewarp/installation.js';
import { barriers, barrierState, lowerBarrier, raiseBarrier, type Barrier } from '../platform/firewall.js';
import { ownAddresses } from '../platform/listeners.js';
import type { Change, Context, Resource } from './resource.js';

/**
 * Whether users reach a node (procedure, Terms, "closed"). Closed, what is connected to its services from elsewhere than
 * the cluster is cut, nobody else gets in, and mail that it sends out waits in its queue. A message whose 250 is on its
 * way still gets that; without a 250, its sender tries again.
 *
 * A restart of the machine opens it, on purpose: what stays closed by itself would shut users out for good if nobody
 * came back for it. Nothing serves then, because autostart is off as long as a node is closed; before services
 * start again in a stop, `staysClosed` closes it anew.
 */
export interface PortsDesired extends Closing {
  readonly state: 'closed' | 'open';
  readonly cluster: string;
  readonly directory: string;
  /** OS user of the mail processes, where the installation has not registered its own. */
  readonly user: string;
}

export interface PortsObserved {
  /** otherwise: for other ports, addresses or users than it shall be. */
  readonly closed: 'no' | 'yes' | 'otherwise';
}

const STATES = { absent: 'no', equal: 'yes', other: 'otherwise' } as const;

/** Machines speak to themselves from these; the rest of 127.0.0.0/8 is the machines of a lab. */
const LOOPBACK = ['127.0.0.1', '::1'];

export const ports: Resource<PortsDesired, PortsObserved, 'node'> = {
  place: 'node',

  async observe(desired, context) {
    // to be open, it need not be known how exactly it is closed
    if (desired.state === 'open') {
      return { closed: (await barriers(context.signal)).includes(tableOf(desired)) ? 'yes' : 'no' };
    }
    return { closed: STATES[await barrierState(await barrierOf(desired, context), context.signal)] };
  },

  diff({ state, services, admit }, observed) {
    const closed = observed?.closed ?? 'no';
    const what = `${services.length} ports of users, mail that goes out`;
    const change = (before: string, after: string): Change[] => [{ what, before, after }];
    if (state === 'open') return closed === 'no' ? [] : change('closed', 'open');
    if (closed === 'yes') return [];
    return change(closed === 'no' ? 'open' : 'closed otherwise', `closed to all but ${admit.length} machines`);
  },

  async apply(desired, context) {
    if (desired.state === 'open') await lowerBarrier(tableOf(desired), context.signal);
    else await raiseBarrier(await barrierOf(desired, context), context.signal);
  },

  async restore(desired, before, context) {
    const wasClosed = before !== null && before.closed !== 'no';
    // the way back of a server that users are on begins by closing it
    if (desired.state === 'open') {
      if (wasClosed) await raiseBarrier(await barrierOf(desired, context), context.signal);
      return [];
    }
    const table = tableOf(desired);
    if (wasClosed) return [`the ports stay closed, as they were: nft delete table inet ${table} opens them`];
    await lowerBarrier(table, context.signal);
    return [];
  },
};

/** The table of one cluster on this machine; where several machines share one kernel, on one of their addresses. */
function tableOf({ cluster, addresses }: Pick<PortsDesired, 'cluster' | 'addresses'>): string {
  return ['icewarp-rollout', cluster, ...addresses.slice(0, 1)].join('-');
}

/** What closes a node. What a machine says to itself is never refused. */
export function barrierFor(closing: Closing & Pick<PortsDesired, 'cluster'>, uid: number): Barrier {
  const { services, delivery, addresses, admit } = closing;
  return {
    table: tableOf(closing),
    closed: services,
    held: delivery,
    uid,
    addresses,
    admit: [...new Set([...LOOPBACK, ...ownAddresses(), ...admit])],
  };
}

async function barrierOf(desired: PortsDesired, { agent }: Context): Promise<Barrier> {
  const { directory, user } = desired;
  const registered = await readRegistration();
  const name = registered?.directory === directory && registered.user !== '' ? registered.user : user;
  const found = await agent.platform.users.find(name);
  if (found === null) throw new RolloutError('USER_CONFLICT', `there is no user ${name}, whose mail is to be held`);
  return barrierFor(desired, found.uid);
}
