import { describe, expect, it } from '@jest/globals';

import type { PathScanInput, PathScanned } from '../../src/activities/path-scan.js';
import { machinesOf } from '../../src/cluster/names.js';
import { configureFirstNode } from '../../src/workflows/guide/first-node.js';
import { inParallel, type Runner } from '../../src/workflows/runner.js';
import { exampleCluster } from './example-cluster.js';
import {
  applies,
  command,
  MINUTE,
  newCluster,
  plan,
  runWorkers,
  start,
  stepIs,
  stepOf,
  useTemporal,
  world,
} from './harness.js';

useTemporal();

/** What the first node's part of the guide asks the search for. */
async function askedBy(plans: boolean): Promise<PathScanInput> {
  const asked: PathScanInput[] = [];
  const runner: Runner = {
    plans,
    phase: () => undefined,
    step: () => Promise.resolve(false),
    act: () => Promise.resolve(null),
    together: () => Promise.resolve([]),
    lookTogether: () => Promise.resolve([]),
    clock: () => Promise.resolve(null),
    look: (action, _on, input) => {
      if (action === 'pathScan') asked.push(input as PathScanInput);
      return Promise.resolve(null);
    },
    rule: async (_about, judge) => {
      await judge();
    },
    findings: () => Promise.resolve(),
    wouldChange: () => Promise.resolve(false),
    pass: () => Promise.resolve(null),
    approvedSkipped: [],
    cutover: () => Promise.resolve(),
    switched: () => Promise.resolve(),
    verified: () => undefined,
    each: inParallel,
  };
  const file = exampleCluster('asked');
  await configureFirstNode(runner, { file, on: machinesOf(file) }, null);
  const [input] = asked;
  if (asked.length !== 1 || input === undefined) throw new Error(`asked ${asked.length} times`);
  return input;
}

const CLEAN: PathScanned = {
  files: 3,
  bytes: 300,
  binary: 1,
  holds: 0,
  repointed: 4,
  allowed: 1,
  first: [],
  list: '/var/lib/icewarp-rollout/path-scan.txt',
  hash: 'abc',
};
const BROKEN: PathScanned = {
  ...CLEAN,
  holds: 3,
  first: ['content.xml:7:3 absolute "/opt/icewarp/mail": name another'],
};

describe('the search before the configuration is shared', () => {
  it('excuses in a plan what steps are still to write, and nothing in a rollout', async () => {
    const { to, repointed } = await askedBy(true);
    expect(repointed).toEqual(expect.arrayContaining(['accountsDatabase', 'spamReportsDatabase', 'mailPath']));
    expect(to.archive).toMatch(/\/share\/archives\/$/);
    expect(await askedBy(false)).toMatchObject({ to, repointed: [] });
  });
});

describe('a configuration that names a place of one node only', () => {
  it(
    'is held before it is shared, and goes on once it is mended',
    async () => {
      newCluster();
      world.facts.set('pathScan A', BROKEN);
      await runWorkers();
      const handle = await start();
      const { state } = await stepIs(handle, 'rule/paths', 'held');
      expect(state).toMatchObject({ code: 'RULE_BROKEN', skippable: true });
      for (const words of ['content.xml:7:3', 'name another', 'and 2 more', CLEAN.list, 'sha256 abc']) {
        expect(state).toMatchObject({ why: expect.stringContaining(words) });
      }
      expect(applies().map(stepOf)).toContain('A/services:directories');
      expect(applies().map(stepOf)).not.toContain('A/sharedConfiguration');
      await command(handle, 'retry');
      await stepIs(handle, 'rule/paths', 'held');
      world.facts.set('pathScan A', CLEAN);
      await command(handle, 'retry');
      expect(await handle.result()).toMatchObject({ outcome: 'done', skipped: [] });
      expect(applies().map(stepOf)).toContain('A/sharedConfiguration');
    },
    MINUTE,
  );

  it(
    'goes on when an operator approves of it, which result and history record',
    async () => {
      newCluster();
      world.facts.set('pathScan A', BROKEN);
      await runWorkers();
      const handle = await start();
      await stepIs(handle, 'rule/paths', 'held');
      await command(handle, 'skip', 'rule/paths');
      expect(await handle.result()).toMatchObject({ outcome: 'done', skipped: ['rule/paths'] });
      const { events } = await handle.fetchHistory();
      const memos = (events ?? []).map((event) => {
        const { data } = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields?.['status'] ?? {};
        return Buffer.from(data ?? []).toString();
      });
      expect(memos.some((memo) => memo.includes('sha256 abc'))).toBe(true);
      expect(applies().map(stepOf)).toContain('A/sharedConfiguration');
    },
    MINUTE,
  );

  it(
    'is shown by a plan, which asks about the world before the steps',
    async () => {
      newCluster();
      world.facts.set('pathScan A', BROKEN);
      await runWorkers();
      const { steps } = await plan();
      const ids = steps.map(({ id }) => id);
      expect(ids.indexOf('rule/paths')).toBe(ids.indexOf('A/sharedConfiguration') - 1);
      const rule = steps.find(({ id }) => id === 'rule/paths');
      expect(rule).toMatchObject({ state: 'unknown', note: expect.stringContaining('content.xml:7:3') });
    },
    MINUTE,
  );
});
