import { describe, expect, it } from '@jest/globals';
import { WorkflowFailedError } from '@temporalio/client';

import { statusQuery } from '../../src/workflows/status.js';
import {
  applies,
  command,
  MINUTE,
  newCluster,
  restores,
  runWorkers,
  start,
  stepIs,
  useTemporal,
  world,
} from './harness.js';

useTemporal();

const DENIED = { times: 1, code: 'DATABASE_DENIED', message: 'no' };

describe('steering a rollout', () => {
  it(
    'can be rolled back after a step has waited for its agent and gone on',
    async () => {
      newCluster();
      world.failures.set('installation.apply A/installation', { ...DENIED });
      await runWorkers(['B']);
      const handle = await start();
      await stepIs(handle, 'B/agent', 'waiting');
      await runWorkers(['A', 'control', 'share']);
      await stepIs(handle, 'A/installation', 'held');
      await command(handle, 'rollback');
      expect(await handle.result()).toMatchObject({ outcome: 'rolled back', undo: [] });
      expect([...world.applied]).toEqual([]);
      const { events } = await handle.fetchHistory();
      expect(events?.filter(({ workflowTaskFailedEventAttributes: failed }) => failed != null)).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'takes an agent that answers with a failure as one that is there',
    async () => {
      newCluster();
      await runWorkers(['B']);
      const handle = await start();
      await stepIs(handle, 'B/agent', 'waiting');
      world.failures.set('agent.hello B', { times: 2, code: 'VAULT_DAMAGED', message: 'unreadable' });
      await runWorkers(['A', 'control', 'share']);
      const { state } = await stepIs(handle, 'B/agent', 'held');
      expect(state).toMatchObject({ code: 'VAULT_DAMAGED' });
      await command(handle, 'retry');
      expect((await handle.result()).outcome).toBe('done');
    },
    2 * MINUTE,
  );

  it.each(['verb', 'cancellation'])(
    'goes back from a pause on a %s, without waiting for resume',
    async (how) => {
      newCluster();
      world.failures.set('database.apply control/database:iw_accounts', { ...DENIED });
      await runWorkers();
      const handle = await start();
      await stepIs(handle, 'control/database:iw_accounts', 'held');
      await command(handle, 'pause');
      expect((await handle.query(statusQuery)).paused).toBe(true);
      if (how === 'verb') {
        await command(handle, 'rollback');
        expect((await handle.result()).outcome).toBe('rolled back');
      } else {
        await handle.cancel();
        await expect(handle.result()).rejects.toBeInstanceOf(WorkflowFailedError);
      }
      expect(restores().length).toBeGreaterThan(0);
      expect(await handle.query(statusQuery)).toMatchObject({ paused: false, finished: true, phase: 'rolled back' });
    },
    MINUTE,
  );

  it(
    'keeps its result when it is cancelled from outside while it goes back already',
    async () => {
      newCluster();
      world.failures.set('shareFolders.restore share/shareFolders', { ...DENIED });
      world.failures.set('database.apply control/database:iw_accounts', { ...DENIED });
      await runWorkers();
      const handle = await start();
      await stepIs(handle, 'control/database:iw_accounts', 'held');
      await command(handle, 'rollback');
      await stepIs(handle, 'undo share/shareFolders', 'held');
      await handle.cancel();
      await command(handle, 'retry');
      expect(await handle.result()).toMatchObject({ outcome: 'rolled back', undo: [] });
    },
    MINUTE,
  );

  it(
    'holds an agent that cannot give up an earlier way back, and goes on at that step',
    async () => {
      newCluster();
      world.waysBack.push('A/pathDat');
      world.failures.set('agent.forget A', { times: 1, code: 'VAULT_DAMAGED', message: 'unreadable' });
      await runWorkers();
      const handle = await start({ waysBack: 'forget' });
      const { state } = await stepIs(handle, 'A/forget', 'held');
      expect(state).toMatchObject({ code: 'VAULT_DAMAGED', why: 'unreadable' });
      expect(applies()).toEqual([]);
      await command(handle, 'retry');
      expect((await handle.result()).outcome).toBe('done');
      expect(world.waysBack).toEqual([]);
    },
    MINUTE,
  );
});
