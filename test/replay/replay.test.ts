import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';

import { recordedHistories } from './histories.js';

const workflowBundle = { codePath: join(import.meta.dirname, '../../src/workflow-bundle.js') };
const histories = recordedHistories();

describe('the workflow code of this release', () => {
  it('has recorded histories to replay', () => {
    expect(histories.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'plan',
        'rollout',
        'held-and-retried',
        'rolled-back',
        'migrate-tree',
        'migrate-tree-paused',
      ]),
    );
  });

  it.each(histories)('replays the recorded history "$name"', async ({ history }) => {
    await expect(Worker.runReplayHistory({ workflowBundle }, history)).resolves.toBeUndefined();
  });
});
