import type { Machine } from '../../cluster/names.js';
import type { Runner } from '../runner.js';

/**
 * What each of some machines shows, by its name and in the order of the names, because that of the answers is none. A
 * machine that could not be looked at is missing.
 */
export async function shownBy<T>(
  run: Runner,
  machines: readonly Machine<'node'>[],
  look: (machine: Machine<'node'>) => Promise<T | null>,
): Promise<ReadonlyMap<string, T>> {
  const shown = new Map<string, T>();
  await run.each(machines, async (machine) => {
    const facts = await look(machine);
    if (facts !== null) shown.set(machine.name, facts);
  });
  return new Map([...shown].sort(([one], [other]) => (one < other ? -1 : 1)));
}
