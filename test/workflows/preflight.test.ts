import { describe, expect, it } from '@jest/globals';

import { statusQuery } from '../../src/workflows/status.js';
import { recordHistory } from '../replay/histories.js';
import {
  applies,
  approve,
  cluster,
  command,
  MINUTE,
  newCluster,
  plan,
  runWorkers,
  start,
  stepIs,
  useTemporal,
  world,
} from './harness.js';
import { cleanDatabase, cleanNode } from './preflight/facts.js';

useTemporal();

const STEP = 'rule/preflight';

/** What machines show that are as they should be, but for a program on port 25 of node B and one of A. */
function showTaken(a: boolean, b: boolean): void {
  for (const { id, address } of cluster.nodes) {
    const taken = (id === 'A' ? a : b) ? [{ port: 25, by: 'master' }] : [];
    world.facts.set(`nodePreflight ${id}`, cleanNode(address, { taken }));
  }
  world.facts.set('databasePreflight control', cleanDatabase());
}

describe('the preflight of a rollout', () => {
  it(
    'holds it before anything is changed, and looks again at a retry',
    async () => {
      newCluster();
      showTaken(false, true);
      await runWorkers();
      const handle = await start();
      const { state, phase } = await stepIs(handle, STEP, 'held');
      expect(phase).toBe('Preflight');
      expect(state).toMatchObject({
        code: 'PREFLIGHT_STOPS',
        skippable: false,
        approvable: ['B/port-25-taken'],
        why: expect.stringMatching(
          /^B\/port-25-taken: the program master listens on port 25\. .* To mend it: end that/,
        ),
      });
      expect(applies()).toEqual([]);
      await expect(command(handle, 'skip', STEP)).rejects.toMatchObject({
        cause: { message: expect.stringContaining('cannot be skipped safely') },
      });
      showTaken(false, false);
      await command(handle, 'retry');
      expect(await handle.result()).toMatchObject({ outcome: 'done', skipped: [] });
      expect((await handle.query(statusQuery)).findings).toBeUndefined();
    },
    MINUTE,
  );

  it(
    'goes on when the last finding is approved, and keeps who approved of what',
    async () => {
      newCluster();
      showTaken(true, true);
      await runWorkers();
      const handle = await start();
      await stepIs(handle, STEP, 'held');
      expect(await approve(handle, 'A/port-25-taken')).toMatch(/still in the way: B\/port-25-taken/);
      const why = { why: expect.stringMatching(/^B\/port-25-taken/), approvable: ['B/port-25-taken'] };
      await expect(approve(handle, 'A/port-25-taken')).rejects.toMatchObject({
        cause: { message: 'A/port-25-taken is approved already' },
      });
      for (let look = 0; look < 100; look += 1) {
        const { state } = await stepIs(handle, STEP, 'held');
        if (state.is === 'held' && state.why.startsWith('B/')) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect((await stepIs(handle, STEP, 'held')).state).toMatchObject(why);
      expect(applies()).toEqual([]);
      expect(await approve(handle, 'B/port-25-taken')).toBe('approved: B/port-25-taken');
      expect(await handle.result()).toMatchObject({ outcome: 'done', skipped: [] });
      const { approved, findings } = await handle.query(statusQuery);
      expect(approved).toEqual(['A', 'B'].map((id) => ({ finding: `${id}/port-25-taken`, by: 'tester@test' })));
      expect(findings?.map(({ id }) => id)).toEqual(['A/port-25-taken', 'B/port-25-taken']);
      const { events } = await handle.fetchHistory();
      const said = JSON.stringify(
        (events ?? []).map(({ workflowExecutionUpdateAcceptedEventAttributes: accepted }) =>
          (accepted?.acceptedRequest?.input?.args?.payloads ?? []).map(({ data }) =>
            Buffer.from(data ?? []).toString(),
          ),
        ),
      );
      expect(said).toContain('A/port-25-taken');
      expect(said).toContain('tester@test');
      await recordHistory('preflight-approved', handle);
    },
    MINUTE,
  );

  it(
    'is held anew when what was approved has become something else',
    async () => {
      newCluster();
      showTaken(true, true);
      await runWorkers();
      const handle = await start();
      await stepIs(handle, STEP, 'held');
      await approve(handle, 'B/port-25-taken');
      const other = cleanNode('192.0.2.12', { taken: [{ port: 25, by: 'other' }] });
      showTaken(false, true);
      world.facts.set('nodePreflight B', other);
      for (let look = 0; look < 100; look += 1) {
        await command(handle, 'retry', STEP).catch(() => undefined);
        const { state } = await stepIs(handle, STEP, 'held');
        if (state.is === 'held' && state.why.includes('program other')) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { state } = await stepIs(handle, STEP, 'held');
      expect(state).toMatchObject({ why: expect.stringContaining('the program other listens') });
      await command(handle, 'rollback');
      expect((await handle.result()).outcome).toBe('rolled back');
    },
    MINUTE,
  );

  it(
    'lets nobody approve of what only can be mended, or of what does not stop it',
    async () => {
      newCluster();
      showTaken(false, true);
      const taken = [{ port: 80, by: 'apache2' }];
      world.facts.set('nodePreflight A', cleanNode('192.0.2.11', { hidden: 2, taken }));
      await runWorkers();
      const handle = await start();
      await stepIs(handle, STEP, 'held');
      const refused = async (id: string | undefined, reason: string): Promise<void> => {
        await expect(approve(handle, id)).rejects.toMatchObject({
          cause: { message: expect.stringContaining(reason) },
        });
      };
      await refused('A/mount-hides', 'A/mount-hides cannot be approved: mend it, then retry');
      await refused('A/usual-port-80-taken', 'does not stop the rollout');
      await refused('C/port-25-taken', 'there is no finding C/port-25-taken; waiting for an approval: B/port-25-taken');
      await refused(undefined, 'name the finding');
      await command(handle, 'rollback');
      expect((await handle.result()).outcome).toBe('rolled back');
    },
    MINUTE,
  );

  it(
    'is in the plan, which changes nothing',
    async () => {
      newCluster();
      showTaken(false, true);
      await runWorkers();
      const { steps, findings } = await plan();
      expect(findings?.map(({ id }) => id)).toEqual(['B/port-25-taken']);
      expect(steps[0]).toMatchObject({ id: STEP, phase: 'Preflight', state: 'unknown' });
      showTaken(false, false);
      const clean = await plan();
      expect(clean.findings).toBeUndefined();
      expect(clean.steps[0]).toMatchObject({ id: STEP, state: 'verify' });
    },
    MINUTE,
  );

  it(
    'says of a machine that cannot be looked at that it cannot',
    async () => {
      newCluster();
      world.failures.set('databasePreflight.run control/databasePreflight', {
        times: 9,
        code: 'DATABASE_DENIED',
        message: 'no',
      });
      await runWorkers();
      const { steps, findings } = await plan();
      expect(findings).toBeUndefined();
      expect(steps.slice(0, 2)).toMatchObject([
        { id: 'control/databasePreflight', state: 'unknown', note: expect.stringContaining('DATABASE_DENIED') },
        { id: STEP, state: 'verify', note: 'not everything could be looked at' },
      ]);
    },
    MINUTE,
  );
});
