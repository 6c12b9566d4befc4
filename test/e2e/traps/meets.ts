import { expect } from '@jest/globals';

import type { Finding } from '../../../src/workflows/preflight/finding.js';
import type { LabCluster } from '../lab-cluster.js';
import { examine, idsOf, shownBy, type Trap } from './trap.js';

/** Makes a fault and looks; takes it away and looks again: then there is what a clean lab has, and nothing else. */
export async function meets(cluster: LabCluster, trap: Trap, clean: readonly string[]): Promise<void> {
  const { finds, words, also = {}, set } = trap;
  const heal = await set(cluster);
  let found: readonly Finding[];
  try {
    found = await examine(cluster);
  } finally {
    await heal();
  }
  expect(idsOf(found).filter((id) => !clean.includes(id))).toEqual([...shownBy(trap)].sort());
  for (const [named, told] of Object.entries({ [finds]: words, ...also })) {
    expect(found.find(({ id }) => id === named)?.is).toMatch(told);
  }
  expect(idsOf(await examine(cluster))).toEqual(clean);
}
