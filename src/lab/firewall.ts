import { RolloutError } from '../cluster/errors.js';
import { barriers, lowerBarrier } from '../platform/firewall.js';

/** Takes tables of a rollout away that end with a machine: the kernel is the host's, and keeps them. */
export async function forgetBarriers(isOf: (table: string) => boolean): Promise<void> {
  const { signal } = new AbortController();
  try {
    const ours = (await barriers(signal)).filter((table) => table.startsWith('icewarp-rollout-') && isOf(table));
    for (const table of ours) await lowerBarrier(table, signal);
  } catch (error) {
    // where nothing can be closed, nothing is
    const cannot = error instanceof RolloutError && ['COMMAND_MISSING', 'FIREWALL_REFUSED'].includes(error.code);
    if (!cannot) throw error;
  }
}
