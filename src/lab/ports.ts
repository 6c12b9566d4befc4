import { once } from 'node:events';
import { createServer } from 'node:net';

import { RolloutError } from '../cluster/errors.js';
import { addressesIn, type MailPorts, NODES, type Ports } from './layout.js';
import { TEMPORAL_HOST } from './temporal-server.js';

/**
 * Chooses the lab's ports: the protocols' own ones where they can be bound on the lab's address, any free one where
 * somebody listens on them on every address of the machine.
 */
export async function choosePorts(subnet: string): Promise<Ports> {
  const addresses = addressesIn(subnet);
  return {
    temporal: await freePort([TEMPORAL_HOST], temporalPort(subnet)),
    temporalUi: await freePort([addresses.temporal], 8233),
    database: await freePort([addresses.database], 3306),
    share: await freePort([addresses.share], 445),
    balancer: await mailPorts([addresses.balancer]),
    outside: await mailPorts([addresses.outside]),
    node: await mailPorts(NODES.map((name) => addresses[name])),
  };
}

/** Labs that start at the same moment must not choose the same port of 127.0.0.1: each subnet has its own. */
function temporalPort(subnet: string): number {
  const [, second = 64, third = 0] = subnet.split('.').map(Number);
  const index = (second - 64) * 256 + third;
  return index === 0 ? 7233 : 10_000 + index;
}

async function mailPorts(addresses: readonly string[]): Promise<MailPorts> {
  return {
    smtp: await freePort(addresses, 25),
    pop3: await freePort(addresses, 110),
    imap: await freePort(addresses, 143),
  };
}

/** The wished port if it is free on each of the addresses, else any that is. */
export async function freePort(addresses: readonly string[], wished = 0): Promise<number> {
  for (let port: number | undefined = wished, tries = 0; tries < 20; tries += 1) {
    const [first, ...others] = addresses;
    port = await tryPort(first ?? '127.0.0.1', port ?? 0);
    if (port !== undefined && (await areFree(others, port))) return port;
    port = undefined;
  }
  throw new RolloutError('LAB_FAILED', `no port is free on ${addresses.join(', ')}`);
}

async function areFree(addresses: readonly string[], port: number): Promise<boolean> {
  for (const address of addresses) if ((await tryPort(address, port)) === undefined) return false;
  return true;
}

async function tryPort(address: string, port: number): Promise<number | undefined> {
  const server = createServer().listen({ host: address, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const bound = server.address();
  server.close();
  await once(server, 'close');
  return bound !== null && typeof bound === 'object' ? bound.port : undefined;
}
