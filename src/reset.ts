import { randomUUID } from 'node:crypto';

import type { Client } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

import { agreed } from './cli/agreed.js';
import { readClusterFile } from './cli/cluster-file.js';
import { operator, withClient, within } from './cli/connect.js';
import { EXIT } from './cli/exit.js';
import { undoGivenUp } from './cli/given-up.js';
import type { RecoverFlags } from './cli/recover.js';
import { historyOf, type History, type HistoryEvent } from './cli/history.js';
import { resetPoint, type ResetPoint } from './cli/reset-point.js';
import { say } from './cli/say.js';
import { latestRollout, rolloutHandle } from './cli/workflows.js';
import { RolloutError } from './cluster/errors.js';
import { everyMachine, machinesOf } from './cluster/names.js';
import { AGENT_FILE } from './platform/agent-file.js';
import { workerConverter, workflowBundle } from './temporal/data-converter.js';
import { loadOperatorsPayloadKeys, type PayloadKeys } from './temporal/payload-keys.js';
import { adoptSignal } from './workflows/status.js';

/**
 * Lets a rollout go on that no control worker can carry on, because this release's code does not follow its history: the run is
 * reset to the latest point up to which it does. Steps look before they act, so what was done since is found done, as after
 * the loss of an agent.
 *
 * @returns the exit code.
 * @throws RolloutError NO_ROLLOUT where there is none, REFUSED where the newest one has come to its end.
 */
export async function runReset(file: string, { yes, json }: RecoverFlags): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const description = await latestRollout(client, cluster);
    if (description.status.name === 'COMPLETED') {
      throw new RolloutError('REFUSED', `the rollout of "${cluster.name}" has come to its end`);
    }
    // that a replay fails is what is looked for here, and no news
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
    });
    const handle = rolloutHandle(client, cluster, description.runId);
    const history = await historyOf(client, handle);
    const keys = await loadOperatorsPayloadKeys(AGENT_FILE);
    const point = await resetPoint(history, (beginning) => replays(beginning, keys));
    if (point === undefined) {
      say(json, { event: 'nothing' }, 'the control worker’s code follows the whole history: there is nothing to mend');
      return EXIT.done;
    }
    say(json, { event: 'point', ...point }, pointText(point, description.status.name));
    if (yes !== true && !(await agreed('Let it go on from there?'))) return EXIT.failed;
    const undo = await undoGivenUp(history, point.eventId, {
      machines: everyMachine(machinesOf(cluster)),
      converter: client.options.loadedDataConverter,
    });
    // the server hands a signal that it has recorded to what goes on; one that has ended takes none any more
    const running = description.status.name === 'RUNNING';
    if (running) await within(client, () => handle.signal(adoptSignal, undo));
    const runId = await reset(
      client,
      { workflowId: handle.workflowId, runId: description.runId },
      history.events?.[point.index],
    );
    if (!running) await within(client, () => rolloutHandle(client, cluster, runId).signal(adoptSignal, undo));
    say(json, { event: 'reset', runId }, `It goes on. Follow it with: icewarp-rollout watch ${file}`);
    return EXIT.done;
  });
}

/** Tells whether this release's workflow code follows a history, as the control worker runs it. */
async function replays(history: History, keys: PayloadKeys): Promise<boolean> {
  const replayer = { dataConverter: workerConverter(keys), workflowBundle: workflowBundle(import.meta.dirname, keys) };
  try {
    await Worker.runReplayHistory(replayer, history);
    return true;
  } catch (error) {
    if (error instanceof DeterminismViolationError) return false;
    throw error;
  }
}

async function reset(
  client: Client,
  workflowExecution: { readonly workflowId: string; readonly runId: string },
  event: HistoryEvent | undefined,
): Promise<string> {
  const { runId } = await within(client, () =>
    client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution,
      reason: `${operator()}: recover, the history did not replay`,
      workflowTaskFinishEventId: event?.eventId ?? null,
      requestId: randomUUID(),
    }),
  );
  return runId;
}

function pointText({ eventId, at, givenUp }: ResetPoint, state: string): string {
  return [
    `This release follows the history up to event ${eventId} (${new Date(at).toISOString()}); ${givenUp} events after it are given up.`,
    'Every step after that looks again and finds done what is done; one that was under way then is done again to the same end.',
    ...(state === 'RUNNING'
      ? []
      : ['The rollout was ended from outside: it goes on, and icewarp-rollout rollback turns it back.']),
  ].join('\n');
}
