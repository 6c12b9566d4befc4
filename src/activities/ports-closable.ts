import type { Closing } from '../cluster/closing.js';
import { RolloutError } from '../cluster/errors.js';
import { tryBarrier } from '../platform/firewall.js';
import { barrierFor } from './ports.js';
import type { Procedure } from './resource.js';

export interface PortsClosableInput extends Closing {
  readonly cluster: string;
}

/** missing: there is no nftables. refused: the kernel does not take our table, or not from this agent. */
export interface PortsClosable {
  readonly obstacle: 'none' | 'missing' | 'refused';
}

/** Whether a node can be closed to its users (procedure, Terms, "closed"). Asks the kernel, and changes nothing. */
export const portsClosable: Procedure<PortsClosableInput, PortsClosable, 'node'> = {
  place: 'node',
  async run(input, { signal }) {
    try {
      // whose mail is held does not matter to the kernel: the user may still be to come
      await tryBarrier(barrierFor(input, 0), signal);
      return { obstacle: 'none' };
    } catch (error) {
      if (!(error instanceof RolloutError)) throw error;
      if (error.code === 'COMMAND_MISSING') return { obstacle: 'missing' };
      if (error.code === 'FIREWALL_REFUSED') return { obstacle: 'refused' };
      throw error;
    }
  },
};
