#!/usr/bin/env node
import { fileURLToPath } from 'node:url';

import { DefaultLogger, NativeConnection, Runtime, Worker, type LogEntry } from '@temporalio/worker';

import { createAgent, type Agent } from './activities/agent.js';
import { keepLease } from './activities/lease-keeper.js';
import { activitiesFor } from './activities/register.js';
import { copyActivities, treeActivities } from './activities/tree-activities.js';
import { RolloutError } from './cluster/errors.js';
import { copyQueueOf, queueOf, type Place } from './cluster/names.js';
import { loadAgentConfig } from './platform/agent-config.js';
import { EXIT } from './cli/exit.js';
import { reportFailure } from './cli/failure.js';
import { workerCommand, type WorkerFlags } from './cli/worker.js';
import { workerConverter, workflowBundle } from './temporal/data-converter.js';
import { loadPayloadKeys } from './temporal/payload-keys.js';
import { temporalSettings, type TemporalSettings } from './temporal/settings.js';

/** How long a worker tries to reach the Temporal server before it says so again; it never gives up. */
const RECONNECT = 3_000;

/** Passes over trees that one node runs at once: mail, archives and calendar, and a verification beside them. */
const COPIES = 4;

/** Runs until a signal asks it to stop. @returns the exit code. */
export async function runWorker(flags: WorkerFlags): Promise<number> {
  const { place, node } = placeOf(flags);
  const agent = createAgent(await loadAgentConfig(flags.agent), node ?? place);
  // before Temporal is asked for anything: that may be away, and it is what a lease is for
  const keeper = node === undefined ? undefined : await keepLease(agent);
  try {
    await serve(agent, place, node);
  } catch (error) {
    await keeper?.unneeded();
    throw error;
  } finally {
    await keeper?.stop();
  }
  return EXIT.done;
}

/** Does what rollouts want of this machine, until a signal asks it to stop. */
async function serve(agent: Agent, place: Place, node?: string): Promise<void> {
  const { config, machine } = agent;
  const settings = temporalSettings();
  const keys = await loadPayloadKeys(config.payloadKeys);
  // only now: it keeps the process alive, and what is wrong in the settings ends it
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }: LogEntry) => {
      agent.log(message, { level, ...meta });
    }),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
    shutdownSignals: ['SIGINT', 'SIGTERM'],
  });
  const connection = await connectPatiently(agent, settings);
  const common = {
    connection,
    namespace: settings.namespace,
    dataConverter: workerConverter(keys),
    identity: `${config.cluster}/${machine}:${process.pid}`,
    // cancellation and the loss of an agent are noticed within this time (temporal.md, facts 2 and 3)
    maxHeartbeatThrottleInterval: '2s',
    shutdownGraceTime: '5s',
    shutdownForceTime: '30s',
  } as const;
  try {
    const worker = await Worker.create({
      ...common,
      taskQueue: queueOf(config.cluster, place, node),
      activities: { ...activitiesFor(place, agent), ...(node === undefined ? {} : treeActivities(agent)) },
      ...(place === 'control' ? { workflowBundle: workflowBundle(import.meta.dirname, keys) } : {}),
      maxConcurrentActivityTaskExecutions: 20,
    });
    const workers = [worker];
    if (node !== undefined) {
      const taskQueue = copyQueueOf(config.cluster, node);
      const activities = copyActivities(agent);
      workers.push(
        await Worker.create({ ...common, taskQueue, activities, maxConcurrentActivityTaskExecutions: COPIES }),
      );
    }
    const { current } = keys;
    agent.log('ready', {
      queue: worker.options.taskQueue,
      ...(current === undefined ? {} : { encryptsWith: current.id }),
    });
    await runAll(workers);
  } finally {
    await connection.close();
  }
}

/** Runs workers until all have ended; one that fails ends the others. */
async function runAll(workers: readonly Worker[]): Promise<void> {
  const runs = workers.map((worker) => worker.run());
  try {
    await Promise.all(runs);
  } finally {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(runs);
  }
}

function placeOf({ control, node, share }: WorkerFlags): { place: Place; node?: string } {
  const given = [control === true, node !== undefined, share === true].filter(Boolean).length;
  if (given !== 1) throw new RolloutError('USAGE', 'say what this machine is: --control, --node ID or --share');
  if (node !== undefined) return { place: 'node', node };
  return { place: control === true ? 'control' : 'share' };
}

async function connectPatiently(agent: Agent, { address, options }: TemporalSettings): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect(options);
    } catch (error) {
      agent.log('the Temporal server cannot be reached, trying again', { address, error });
      await new Promise((resolve) => setTimeout(resolve, RECONNECT));
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await workerCommand(runWorker).parseAsync();
  } catch (error) {
    process.exitCode = reportFailure(error);
  }
}
