import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import type { Finding } from '../../src/workflows/preflight/finding.js';
import { LabCluster } from './lab-cluster.js';
import { BALANCER_TRAPS } from './traps/balancer.js';
import { MACHINE_TRAPS } from './traps/machine.js';
import { examine, type Trap } from './traps/trap.js';

const MINUTE = 60_000;
const TRAPS: readonly Trap[] = [...MACHINE_TRAPS, ...BALANCER_TRAPS];

let cluster: LabCluster;
let clean: readonly string[];

beforeAll(async () => {
  cluster = await LabCluster.up({ agents: true });
  clean = idsOf(await examine(cluster));
}, 2 * MINUTE);

afterAll(async () => {
  await cluster.down();
}, MINUTE);

const idsOf = (findings: readonly Finding[]): readonly string[] => findings.map(({ id }) => id).sort();

/** Every fault is real, and taken away again before the next. */
describe('doctor in a lab', () => {
  it('finds nothing that stops or warns where nothing is wrong', async () => {
    const grave = (await examine(cluster)).filter(({ severity }) => severity !== 'tells');
    expect(grave.map(({ id, is }) => `${id}: ${is}`)).toEqual([]);
  });

  it.each(TRAPS)(
    'names $fault ($finds), and is silent again without it',
    async ({ finds, words, also = [], set }) => {
      const heal = await set(cluster);
      let found: readonly Finding[];
      try {
        found = await examine(cluster);
      } finally {
        await heal();
      }
      const ids = idsOf(found);
      expect(ids.filter((id) => !clean.includes(id))).toEqual([finds, ...also].sort());
      expect(found.find(({ id }) => id === finds)?.is).toMatch(words);
      expect(idsOf(await examine(cluster))).toEqual(clean);
    },
    MINUTE,
  );
});
