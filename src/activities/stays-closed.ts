import { ports, type PortsDesired } from './ports.js';
import type { Procedure } from './resource.js';

/**
 * Right before services start in a stop: a restart of the machine since it was closed has opened it, and users would meet
 * what is not proven yet. Its undo is that of the closing.
 */
export const staysClosed: Procedure<PortsDesired, { readonly again: boolean }, 'node'> = {
  place: 'node',
  async run(desired, context) {
    const closed: PortsDesired = { ...desired, state: 'closed' };
    const again = ports.diff(closed, await ports.observe(closed, context)).length > 0;
    if (again) await ports.apply(closed, context);
    return { again };
  },
};
