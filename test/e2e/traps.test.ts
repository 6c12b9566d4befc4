import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { CATALOGUE, type FindingKind } from '../../src/workflows/preflight/catalogue.js';
import { LabCluster } from './lab-cluster.js';
import { BALANCER_TRAPS } from './traps/balancer.js';
import { BETWEEN_TRAPS } from './traps/between.js';
import { CLOSING_TRAPS } from './traps/closing.js';
import { DATABASE_TRAPS } from './traps/database.js';
import { MACHINE_TRAPS } from './traps/machine.js';
import { OUTSIDE_TRAPS } from './traps/outside.js';
import { FRESH_TRAPS, INSTALLED_TRAPS } from './traps/state.js';
import { meets } from './traps/meets.js';
import { examine, idsOf, shownBy, type Trap } from './traps/trap.js';

const MINUTE = 60_000;
const TRAPS: readonly Trap[] = [
  ...MACHINE_TRAPS,
  ...BETWEEN_TRAPS,
  ...DATABASE_TRAPS,
  ...FRESH_TRAPS,
  ...OUTSIDE_TRAPS,
  ...BALANCER_TRAPS,
  ...CLOSING_TRAPS,
];

/** Kinds of which a lab has the fault from its start; what the server's settings are about is taken away below. */
const ALWAYS_THERE = [
  'administratorMore',
  'connectionsUsual',
  'packetUsual',
  'namesOfTables',
] as const satisfies readonly FindingKind[];

/** Kinds that no lab can show, and why. */
const NOT_IN_A_LAB = {
  architectureDiffers: 'all machines of a lab are this one',
  accountsInFiles: 'the stand-in is one of version 14, which keeps accounts in databases only',
  pluginOfServer: 'MariaDB makes accounts of mysql_native_password whatever is set: it takes a MySQL 8',
} as const satisfies Partial<Record<FindingKind, string>>;

let cluster: LabCluster;
let clean: readonly string[];

beforeAll(async () => {
  cluster = await LabCluster.up({ agents: true });
  clean = idsOf(await examine(cluster));
}, 2 * MINUTE);

afterAll(async () => {
  await cluster.down();
}, MINUTE);

/** What the capitals of a pattern stand for in a lab. */
const PARTS: readonly (readonly [part: string, is: string])[] = [
  ['NODE', '[ABC]'],
  ['PORT', '\\d+'],
  ['NAME', '[A-Za-z0-9_.-]+'],
  ['FOLDER', '(installation|local)'],
  ['WHAT', '(databases|share|configuration|mail)'],
];

/** Whether an id is one of a kind. */
function isOf(id: string, kind: FindingKind): boolean {
  const pattern = PARTS.reduce<string>((text, [part, is]) => text.replaceAll(part, is), CATALOGUE[kind].pattern);
  return new RegExp(`^${pattern}$`).test(id);
}

/** Every fault is real, and taken away again before the next. */
describe('doctor in a lab', () => {
  it('finds nothing that stops or warns where nothing is wrong', async () => {
    const grave = (await examine(cluster)).filter(({ severity }) => severity !== 'tells');
    expect(grave.map(({ id, is }) => `${id}: ${is}`)).toEqual([]);
  });

  it('meets every kind of the catalogue by a real fault, but for those that no lab can show', () => {
    const shown = [...TRAPS, ...INSTALLED_TRAPS].flatMap(shownBy);
    const missing = (Object.keys(CATALOGUE) as FindingKind[]).filter((kind) => {
      if ((ALWAYS_THERE as readonly FindingKind[]).includes(kind)) return !clean.some((id) => isOf(id, kind));
      return !(kind in NOT_IN_A_LAB) && !shown.some((id) => isOf(id, kind));
    });
    expect(missing).toEqual([]);
  });

  it(
    'is silent about what the lab’s database server has as its defaults, once they are raised',
    async () => {
      const restart = async (edit: string): Promise<void> => {
        await cluster.lab.database.stop();
        await cluster.lab.machine('database').run('sed', ['-i', edit, '/etc/mysql/lab.cnf']);
        await cluster.lab.database.start();
      };
      const raised = 'lower_case_table_names = 1\\nmax_connections = 1000\\nmax_allowed_packet = 1G';
      await restart(`$a ${raised}`);
      const ids = idsOf(await examine(cluster));
      await restart('/^lower_case_table_names\\|^max_connections\\|^max_allowed_packet/d');
      expect(clean.filter((id) => !ids.includes(id) && ALWAYS_THERE.some((kind) => isOf(id, kind)))).toHaveLength(3);
      expect(idsOf(await examine(cluster))).toEqual(clean);
    },
    2 * MINUTE,
  );

  it.each(TRAPS)(
    'names $fault ($finds), and is silent again without it',
    (trap) => meets(cluster, trap, clean),
    2 * MINUTE,
  );
});
