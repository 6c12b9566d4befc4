import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';

import { rolloutIdOf } from '../../src/cluster/names.js';
import type { Undo } from '../../src/workflows/status.js';
import {
  applies,
  cluster,
  environment,
  MINUTE,
  newCluster,
  restores,
  runWorkers,
  start,
  stepIs,
  stepOf,
  stopWorkers,
  useTemporal,
  world,
} from '../workflows/harness.js';
import { said } from './command-line.js';
import { beginOn, runOn, useFolder } from './temporal.js';

useTemporal();
useFolder();

const HELD = 'control/database:iw_accounts';
const WAITS = 'still waiting for the control worker';

/** The newest run of the test's cluster. */
function newest(): WorkflowHandle {
  return environment.client.workflow.getHandle(rolloutIdOf(cluster.name));
}

async function heldRollout(): Promise<void> {
  newCluster();
  world.failures.set(`database.apply ${HELD}`, { times: 1, code: 'DATABASE_DENIED', message: 'no' });
  await runWorkers();
  await stepIs(await start(), HELD, 'held');
}

describe('while the control worker is away', () => {
  it(
    'a rollback is queued, said and shown as such, and happens when the worker is there',
    async () => {
      newCluster();
      await runWorkers();
      const { undo } = await (await start()).result();
      await stopWorkers();

      const queued = await runOn('rollback', '--yes');
      expect(queued).toMatchObject({ code: 4, err: expect.stringContaining(WAITS) });
      expect(queued.out).toMatch(/The rollback is queued: .*icewarp-rollout worker --control/);
      const status = await runOn('status');
      expect(status).toMatchObject({ code: 0, out: expect.stringContaining('The rollback is queued') });

      await runWorkers();
      const watched = await runOn('watch');
      expect(watched).toMatchObject({ code: 0, out: expect.stringContaining('rolled back') });
      expect(restores().map(stepOf).sort()).toEqual(undo.map(({ step }) => step).sort());
    },
    3 * MINUTE,
  );

  it.each([
    ['rollback', (undo: readonly Undo[]) => ({ undo })],
    ['start --adopt', (undo: readonly Undo[]) => ({ waysBack: 'adopt' as const, adopted: undo })],
    ['start --forget', (undo: readonly Undo[]) => ({ waysBack: 'forget' as const, adopted: undo })],
  ])(
    'a queued %s that is ended before it began leaves the earlier way back',
    async (_, inputOf) => {
      newCluster();
      await runWorkers();
      const { undo } = await (await start()).result();
      await stopWorkers();
      await (await start(inputOf(undo))).terminate('changed my mind');
      await runWorkers();
      const { code, out } = await runOn('rollback', '--yes');
      expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('rolled back') });
      expect(restores()).toHaveLength(undo.length);
    },
    2 * MINUTE,
  );

  it(
    'a rollback of a rollout that was terminated waits for the worker, which alone knows the way back',
    async () => {
      await heldRollout();
      await newest().terminate('from the Web UI');
      await stopWorkers();
      const rollback = await beginOn('rollback', '--yes');
      await said(rollback, WAITS);
      await runWorkers();
      expect(await rollback.ended).toMatchObject({ code: 0, out: expect.stringContaining('rolled back') });
      expect([...world.applied]).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'a verb waits for it and is carried out exactly once',
    async () => {
      await heldRollout();
      await stopWorkers();
      const retry = await beginOn('retry');
      // longer than one call may take, so that the verb is sent again
      await said(retry, WAITS);
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await runWorkers();
      expect(await retry.ended).toMatchObject({ code: 0, out: `retry: ${HELD}\n` });
      await newest().result();
      expect(applies().filter((line) => stepOf(line) === HELD)).toHaveLength(2);
      const { events } = await newest().fetchHistory();
      const accepted = events?.filter(({ workflowExecutionUpdateAcceptedEventAttributes: one }) => one != null);
      expect(accepted).toHaveLength(1);
    },
    2 * MINUTE,
  );

  it(
    'a verb and a plan give up after half a minute: the verb may still take effect, the plan is ended',
    async () => {
      await heldRollout();
      await stopWorkers();
      const [retry, plan] = await Promise.all([runOn('retry'), runOn('plan')]);
      expect(retry).toMatchObject({ code: 1, out: '', err: expect.stringContaining('may still take effect') });
      expect(plan).toMatchObject({ code: 1, out: '', err: expect.stringContaining('(NO_CONTROL_WORKER)') });
      const plans: string[] = [];
      const query = `WorkflowType = 'plan' AND WorkflowId STARTS_WITH '${rolloutIdOf(cluster.name)}'`;
      for await (const { status } of environment.client.workflow.list({ query })) plans.push(status.name);
      expect(plans).toEqual(['TERMINATED']);
    },
    2 * MINUTE,
  );

  it(
    'a verb on a rollout that has ended is refused with that reason',
    async () => {
      newCluster();
      await runWorkers();
      await (await start()).result();
      for (const verb of ['retry', 'pause']) {
        const { code, err } = await runOn(verb);
        expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/refused: .* has ended[^]*\(REFUSED\)/) });
      }
    },
    MINUTE,
  );
});
