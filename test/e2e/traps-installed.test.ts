import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { LabCluster } from './lab-cluster.js';
import { installOn, removeFrom } from './traps/installed.js';
import { meets } from './traps/meets.js';
import { INSTALLED_TRAPS } from './traps/state.js';
import { examine, idsOf } from './traps/trap.js';

const MINUTE = 60_000;
const NODES = ['A', 'B'] as const;

let cluster: LabCluster;
let fresh: readonly string[];
let clean: readonly string[];

beforeAll(async () => {
  cluster = await LabCluster.up({ agents: true });
  fresh = idsOf(await examine(cluster));
  for (const node of NODES) await installOn(cluster, node);
  clean = idsOf(await examine(cluster));
}, 4 * MINUTE);

afterAll(async () => {
  await cluster.down();
}, MINUTE);

describe('doctor in a lab with IceWarp on two nodes already', () => {
  it('finds nothing more where nothing is wrong', () => {
    expect(clean.filter((id) => !fresh.includes(id))).toEqual([]);
  });

  it.each(INSTALLED_TRAPS)(
    'names $fault ($finds), and is silent again without it',
    (trap) => meets(cluster, trap, clean),
    2 * MINUTE,
  );

  it(
    'finds what it found before, once it is removed',
    async () => {
      for (const node of NODES) await removeFrom(cluster, node);
      expect(idsOf(await examine(cluster))).toEqual(fresh);
    },
    2 * MINUTE,
  );
});
