import { RolloutError } from '../cluster/errors.js';
import { askingDns, type Leads } from '../platform/dns.js';
import type { Change, Context, Resource } from './resource.js';

/** Every name that clients use leads to the balancer, and nowhere else (B13, G26). */
export interface ClientNamesDesired {
  readonly names: readonly string[];
  /** What clients see of the balancer. */
  readonly address: string;
  /** DNS servers to be asked instead of this machine's own. */
  readonly resolvers?: readonly string[];
}

export interface ClientNamesObserved {
  readonly names: readonly ({ readonly name: string } & Leads)[];
}

/** Addresses of one name that are kept: the answer goes into history. */
const MOST = 4;

/**
 * The clients' move (procedure, rule 15). No DNS of the world is changed from here: whoever keeps the records does, in
 * both directions, and the step waits for that.
 */
export const clientNames: Resource<ClientNamesDesired, ClientNamesObserved, 'control'> = {
  place: 'control',

  observe,

  diff({ names, address }, observed) {
    return names.flatMap((name): Change[] => {
      const before = addressesIn(observed, name);
      return same(before, [address]) ? [] : [{ what: `name ${name}`, before: words(before), after: address }];
    });
  },

  async apply(desired, context) {
    const observed = await observe(desired, context);
    const elsewhere = observed.names.filter(({ addresses }) => !same(addresses, [desired.address]));
    if (elsewhere.length === 0) return;
    throw new RolloutError('CLIENTS_ELSEWHERE', moveText(elsewhere, desired.address));
  },

  async restore(desired, before, context) {
    const observed = await observe(desired, context);
    const moved = desired.names.filter((name) => !same(addressesIn(observed, name), addressesIn(before, name)));
    if (moved.length === 0) return [];
    const records = moved.map((name) => {
      const former = addressesIn(before, name);
      const now = `now ${words(addressesIn(observed, name))}`;
      return former.length === 0
        ? `remove the addresses of ${name} (${now})`
        : `${recordsText(name, former)} (${now}${keptText(observed, name)})`;
    });
    throw new RolloutError(
      'CLIENTS_ELSEWHERE',
      `the clients’ names are yours to put back: ${records.join('; ')}. The balancer is to serve until then`,
    );
  },
};

async function observe({ names, resolvers }: ClientNamesDesired, { signal }: Context): Promise<ClientNamesObserved> {
  const found = await askingDns(resolvers, signal, (dns) =>
    Promise.all(names.map(async (name) => ({ name, ...(await dns.leads(name)) }))),
  );
  return { names: found.map((one) => ({ ...one, addresses: one.addresses.slice(0, MOST) })) };
}

function moveText(elsewhere: ClientNamesObserved['names'], address: string): string {
  const records = elsewhere.map(({ name, addresses }) => `${recordsText(name, [address])} (now ${words(addresses)})`);
  const former = [...new Set(elsewhere.flatMap(({ addresses }) => addresses))].filter((one) => one !== address);
  const longest = Math.max(0, ...elsewhere.map(({ ttl }) => ttl ?? 0));
  const serve =
    former.length === 0
      ? ''
      : `. Clients keep the old answer for ${longest} s or more: serve on ${former.join(', ')} at least so long after the change`;
  return `DNS is yours to change: ${records.join('; ')}${serve}`;
}

function recordsText(name: string, addresses: readonly string[]): string {
  const families = new Map<string, string[]>();
  for (const address of addresses) {
    const type = address.includes(':') ? 'AAAA' : 'A';
    families.set(type, [...(families.get(type) ?? []), address]);
  }
  const only = families.size === 1 ? `, and no ${families.has('A') ? 'AAAA' : 'A'}` : '';
  return `set ${[...families].map(([type, list]) => `${type} of ${name} to ${list.join(', ')}`).join(' and ')}${only}`;
}

function keptText(observed: ClientNamesObserved, name: string): string {
  const ttl = observed.names.find((one) => one.name === name)?.ttl ?? null;
  return ttl === null ? '' : `, kept for ${ttl} s or more`;
}

function addressesIn(observed: ClientNamesObserved | null, name: string): readonly string[] {
  return observed?.names.find((one) => one.name === name)?.addresses ?? [];
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((address, index) => address === other[index]);
}

function words(addresses: readonly string[]): string {
  return addresses.length === 0 ? 'no address' : addresses.join(', ');
}
