import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

import type { Context } from '../resource.js';

/**
 * An address of this machine from which a client's connections can be told from the balancer's: what is connected to an
 * address of the same machine leaves from that very address unless another one is chosen.
 *
 * @returns null where this machine has no other address of that family.
 */
export function clientAddressOf(balancer: string, { agent }: Context): string | null {
  const family = isIPv6(balancer) ? 'IPv6' : 'IPv4';
  const own = [
    ...(agent.config.address === undefined ? [] : [agent.config.address]),
    ...Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter((one) => one.family === family && !one.internal && !one.address.startsWith('fe80:'))
      .map(({ address }) => address),
  ];
  return own.find((address) => address !== balancer && isIPv6(address) === isIPv6(balancer)) ?? null;
}
