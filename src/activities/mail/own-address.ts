import { isIPv6 } from 'node:net';

import { ownAddresses } from '../../platform/listeners.js';
import type { Context } from '../resource.js';

/**
 * An address of this machine from which a client's connections can be told from the balancer's: what is connected to an
 * address of the same machine leaves from that very address unless another one is chosen.
 *
 * @returns null where this machine has no other address of that family.
 */
export function clientAddressOf(balancer: string, { agent }: Context): string | null {
  const own = [
    ...(agent.config.address === undefined ? [] : [agent.config.address]),
    ...ownAddresses().filter((address) => !address.startsWith('fe80:')),
  ];
  return own.find((address) => address !== balancer && isIPv6(address) === isIPv6(balancer)) ?? null;
}
