import { describe, expect, it } from '@jest/globals';

import type { NodeFacts } from '../../src/activities/node-facts.js';
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

const HEALTHY: NodeFacts = {
  version: '14.2.0.1',
  os: 'Linux',
  serverId: '10',
  slave: '0',
  configPath: '/mnt/icewarp/share/config/',
  mailPath: '/mnt/icewarp/share/mail/',
  defaultConfig: false,
  domains: 1,
  effective: {},
};

/** What ran on the nodes or proved something, in order. */
function happened(words: string): number {
  return world.log.findIndex((line) => line.includes(words));
}

describe('a node that starts on the shared configuration', () => {
  it(
    'is held, before anything is proven and before the others join, when it took its defaults',
    async () => {
      newCluster();
      world.facts.set('nodeFacts A', { ...HEALTHY, defaultConfig: true });
      await runWorkers();
      const handle = await start();
      const { state } = await stepIs(handle, 'rule/configuration-A', 'held');
      expect(state).toMatchObject({ code: 'RULE_BROKEN', why: expect.stringContaining('default configuration') });
      expect(applies().map(stepOf)).toContain('A/services:shared');
      expect(happened('probeNode.run')).toBe(-1);
      expect(happened('pathDat.apply B')).toBe(-1);
      world.facts.set('nodeFacts A', HEALTHY);
      await command(handle, 'retry');
      expect((await handle.result()).outcome).toBe('done');
    },
    MINUTE,
  );

  it.each(['B', 'B-restarted'])(
    'is held when it knows no domain, also one that joins and one that was restarted: %s',
    async (label) => {
      newCluster();
      world.facts.set('nodeFacts B', { ...HEALTHY, domains: label === 'B' ? 0 : 1 });
      if (label !== 'B') {
        world.failures.set('restartServices.run B/restartServices', { times: 1, code: 'TOOL_FAILED', message: 'no' });
      }
      await runWorkers();
      const handle = await start();
      if (label !== 'B') {
        await stepIs(handle, 'B/restartServices', 'held');
        world.facts.set('nodeFacts B', { ...HEALTHY, domains: 0 });
        await command(handle, 'retry');
      }
      const { state } = await stepIs(handle, `rule/configuration-${label}`, 'held');
      expect(state).toMatchObject({ why: expect.stringContaining('node B knows no domain') });
      expect(happened('admission.apply')).toBe(-1);
      await handle.terminate();
    },
    MINUTE,
  );

  it(
    'is judged by a plan only where path.dat is as described already',
    async () => {
      newCluster();
      for (const node of ['A', 'B']) world.facts.set(`nodeFacts ${node}`, { ...HEALTHY, slave: '', domains: 0 });
      await runWorkers();
      const rules = async (): Promise<object[]> => {
        const { steps } = await plan();
        const about = ['rule/configuration-A', 'rule/configuration-B', 'rule/one-cluster'];
        return steps.filter(({ id }) => about.includes(id)).map(({ state, note }) => ({ state, note }));
      };
      expect(await rules()).toEqual(
        Array(3).fill({ state: 'verify', note: expect.stringMatching(/^exactly known after "path\.dat/) }),
      );
      for (const step of ['A/pathDat', 'B/pathDat']) world.applied.add(step);
      expect(await rules()).toEqual([
        { state: 'unknown', note: expect.stringContaining('node A knows no domain') },
        { state: 'unknown', note: expect.stringContaining('node B knows no domain') },
        { state: 'unknown', note: expect.stringContaining('no node is the master') },
      ]);
    },
    MINUTE,
  );
});
