import { describe, expect, it } from '@jest/globals';

import { clusterSchema } from '../../src/cluster/schema.js';
import { risksOf } from '../../src/workflows/risks.js';
import {
  applies,
  cluster,
  command,
  MINUTE,
  newCluster,
  plan,
  restores,
  runWorkers,
  start,
  stepIs,
  stepOf,
  useCluster,
  useTemporal,
  world,
} from './harness.js';
import { cleanDatabase, cleanNames, cleanNode, cleanOutside } from './preflight/facts.js';

useTemporal();

const STEP = 'control/clientNames';
const RULE = 'rule/own-addresses';
const NAME = 'mail.example.com';

/** A cluster whose names and nodes are as they should be, and of which somebody keeps the records. */
function publicCluster(): void {
  newCluster();
  useCluster(clusterSchema.parse({ ...cluster, public: { names: [NAME], port25: 'mx.example.net' } }));
  for (const { id, host, address } of cluster.nodes) {
    world.facts.set(`nodePreflight ${id}`, cleanNode(address));
    world.facts.set(`outsidePreflight ${id}`, cleanOutside(host, address));
    world.facts.set(`ownConnections ${id}`, { inAll: 0, from: [] });
  }
  world.facts.set('databasePreflight control', cleanDatabase());
  world.facts.set('namesPreflight control', cleanNames([NAME], '192.0.2.30'));
  world.facts.set('balancerAddresses control', ['192.0.2.31']);
}

const RECORD = `set A of ${NAME} to 192.0.2.30`;

/** How often, and with which words, a step finds that DNS is still to be changed. */
const notYet = (times: number, message = RECORD): { times: number; code: string; message: string } => ({
  times,
  code: 'CLIENTS_ELSEWHERE',
  message,
});

describe('the clients’ move', () => {
  it(
    'is held until DNS is changed, as the last step, and is put back first',
    async () => {
      publicCluster();
      world.failures.set(`clientNames.apply ${STEP}`, notYet(1));
      await runWorkers();
      const handle = await start();
      const { state, phase } = await stepIs(handle, STEP, 'held');
      expect(phase).toBe('Clients');
      expect(state).toMatchObject({ code: 'CLIENTS_ELSEWHERE', why: RECORD, skippable: true });
      await command(handle, 'retry');
      const { outcome, skipped, undo } = await handle.result();
      expect({ outcome, skipped }).toEqual({ outcome: 'done', skipped: [] });
      expect(applies().map(stepOf).at(-1)).toBe(STEP);

      world.failures.set(`clientNames.restore ${STEP}`, notYet(1, 'put them back'));
      const back = await start({ undo });
      const held = await stepIs(back, `undo ${STEP}`, 'held');
      expect(held.state).toMatchObject({ why: 'put them back', skippable: true });
      expect(restores().map(stepOf)).toEqual([STEP]);
      await command(back, 'retry');
      expect(await back.result()).toMatchObject({ outcome: 'rolled back' });
      expect(restores().map(stepOf).slice(0, 3)).toEqual([STEP, STEP, 'control/admission:A']);
    },
    MINUTE,
  );

  it(
    'may be skipped where nothing is published yet, which the result names',
    async () => {
      publicCluster();
      world.failures.set(`clientNames.apply ${STEP}`, notYet(9));
      await runWorkers();
      const handle = await start();
      await stepIs(handle, STEP, 'held');
      await command(handle, 'skip', STEP);
      expect(await handle.result()).toMatchObject({ outcome: 'done', skipped: [STEP] });
    },
    MINUTE,
  );

  it(
    'is not over while somebody is connected past the balancer, which an operator may accept',
    async () => {
      publicCluster();
      const from = [{ address: '198.51.100.7', port: 143 }];
      world.facts.set('ownConnections B', { inAll: 8, from });
      await runWorkers();
      const handle = await start();
      const { state } = await stepIs(handle, RULE, 'held');
      expect(state).toMatchObject({ code: 'RULE_BROKEN', skippable: true });
      expect(state).toMatchObject({
        why: expect.stringMatching(/^node B serves 8 connections .*: from 198\.51\.100\.7 \(port 143\) and 7 more\. /),
      });
      await command(handle, 'retry');
      await stepIs(handle, RULE, 'held');
      world.facts.set('ownConnections B', { inAll: 0, from: [] });
      await command(handle, 'retry');
      expect(await handle.result()).toMatchObject({ outcome: 'done', skipped: [] });
    },
    MINUTE,
  );

  it(
    'is in the plan with its risk, and judges connections only when names have moved',
    async () => {
      publicCluster();
      world.facts.set('ownConnections B', { inAll: 8, from: [] });
      await runWorkers();
      const { steps, risks, findings } = await plan();
      expect(findings).toBeUndefined();
      const ids = steps.map(({ id }) => id);
      expect(ids.slice(-2)).toEqual([STEP, RULE]);
      expect(steps.at(-2)).toMatchObject({ state: 'change', undo: 'held until you have put the records back' });
      expect(steps.at(-1)).toMatchObject({ state: 'verify', note: expect.stringContaining('exactly known after') });
      expect(risks.find(({ guide }) => guide === 'B13')).toMatchObject({
        risk: expect.stringContaining(`until ${NAME} leads to 192.0.2.30`),
      });
      world.applied.add(STEP);
      expect((await plan()).steps.at(-1)).toMatchObject({ state: 'unknown', note: expect.stringContaining('node B') });
    },
    MINUTE,
  );

  it(
    'is held at the preflight while port 25 is closed, unless somebody approves',
    async () => {
      publicCluster();
      world.facts.set('outsidePreflight B', cleanOutside('b.example.com', '192.0.2.12', { greeting: 'silent' }));
      await runWorkers();
      const handle = await start();
      const { state } = await stepIs(handle, 'rule/preflight', 'held');
      expect(state).toMatchObject({ approvable: ['B/port-25-out'] });
      await command(handle, 'rollback');
      expect(await handle.result()).toMatchObject({ outcome: 'rolled back' });
    },
    MINUTE,
  );

  it('is no part of a cluster whose file says nothing of what clients see', () => {
    newCluster();
    expect(risksOf(cluster).map(({ guide }) => guide)).not.toContain('B13');
  });
});
