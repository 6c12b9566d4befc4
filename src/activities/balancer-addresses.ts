import { ownAddresses } from '../platform/listeners.js';
import type { Procedure } from './resource.js';

/** More addresses are cut: the answer goes into history. */
const MOST = 20;

/**
 * The addresses of the control machine, on which HAProxy runs: from one of these it connects to the nodes, whatever
 * address clients know it by.
 */
export const balancerAddresses: Procedure<Record<string, never>, readonly string[], 'control'> = {
  place: 'control',
  run: () => Promise.resolve([...new Set(ownAddresses())].sort().slice(0, MOST)),
};
