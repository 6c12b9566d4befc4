import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeAll, beforeEach } from '@jest/globals';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundle } from '@temporalio/worker';

import type { TreeBeat } from '../../src/activities/tree.js';
import { copyActivities, treeActivities } from '../../src/activities/tree-activities.js';
import { copyQueueOf, queueOf, treeIdOf } from '../../src/cluster/names.js';
import { engineOf, type EngineRecord } from '../../src/transfer/engine-record.js';
import type { migrateTree, MigrateTreeInput } from '../../src/workflows/migrate-tree.js';
import { copyAgent } from './fixtures/copy-agent-parts.js';
import { environment, MINUTE, useTemporal } from './harness.js';

const CHILD = join(import.meta.dirname, '../transfer/fixtures/fake-engine.js');
const AGENT = join(import.meta.dirname, 'fixtures/copy-agent.js');

export type Activities = Record<string, (input: never) => Promise<unknown>>;

let bundle: WorkflowBundle;
let folder: string;
/** The cluster of the running test. */
export let cluster: string;
let workers: { worker: Worker; ended: Promise<void> }[];
let agents: ChildProcess[];

/** A real Temporal server, a worker for the workflows, and nothing left behind by a test. */
export function useTrees(): void {
  useTemporal();

  beforeAll(async () => {
    bundle = await bundleWorkflowCode({
      workflowsPath: join(import.meta.dirname, 'fixtures/tree-parent.js'),
      logger: new DefaultLogger('WARN'),
    });
  }, MINUTE);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-migrate-'));
    cluster = `t${randomUUID().slice(0, 8)}`;
    workers = [];
    agents = [];
    await offer(queueOf(cluster, 'control'), {}, true);
  });

  afterEach(async () => {
    for (const { worker } of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(workers.map(({ ended }) => ended));
    for (const agent of agents) await kill(agent);
    const engine = await engineOf(ledger()).catch(() => null);
    if (engine !== null) process.kill(engine.child.pid, 'SIGKILL');
    await rm(folder, { recursive: true });
  }, MINUTE);
}

export async function offer(taskQueue: string, activities: Activities, workflows = false): Promise<void> {
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace: environment.namespace ?? 'default',
    taskQueue,
    activities,
    maxHeartbeatThrottleInterval: '1s',
    ...(workflows ? { workflowBundle: bundle } : {}),
  });
  workers.push({ worker, ended: worker.run() });
}

/** The agent of node A in this process, with a stand-in for the engine. */
export async function startAgent(): Promise<void> {
  const agent = copyAgent(cluster, folder);
  await offer(queueOf(cluster, 'node', 'A'), { 'agent.hello': () => Promise.resolve({}), ...treeActivities(agent) });
  await offer(copyQueueOf(cluster, 'A'), copyActivities(agent, { child: CHILD }));
}

/** The same as a process of its own. */
export async function forkAgent(): Promise<ChildProcess> {
  const address = environment.address;
  const agent = fork(AGENT, [address, environment.namespace ?? 'default', cluster, folder, CHILD]);
  agents.push(agent);
  await once(agent, 'message');
  return agent;
}

export async function kill(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const gone = once(agent, 'exit');
  agent.kill('SIGKILL');
  await gone;
}

export function ledger(): string {
  return join(folder, 'transfer/mail');
}

export async function inputOf(scene: string, more: Partial<MigrateTreeInput> = {}): Promise<MigrateTreeInput> {
  const source = join(folder, scene);
  await mkdir(source, { recursive: true });
  return { cluster, node: 'A', tree: { name: 'mail', source, destination: '/nowhere' }, pass: 'delta', ...more };
}

export async function begin(input: MigrateTreeInput): Promise<WorkflowHandle<typeof migrateTree>> {
  return environment.client.workflow.start<typeof migrateTree>('migrateTree', {
    workflowId: treeIdOf(cluster, input.tree.name, input.pass),
    taskQueue: queueOf(cluster, 'control'),
    args: [input],
  });
}

/** Looks until there is something to see. */
export async function eventually<T>(look: () => Promise<T | null | undefined>): Promise<T> {
  for (let turn = 0; turn < 600; turn += 1) {
    const seen = await look();
    if (seen != null) return seen;
    await sleep(100);
  }
  throw new Error('it never came');
}

/** What the pending activity's last heartbeat said, once an engine has told its counters. */
export async function beatOf(handle: WorkflowHandle<typeof migrateTree>): Promise<TreeBeat> {
  return eventually(async () => {
    const [pending] = (await handle.describe()).raw.pendingActivities ?? [];
    const data = pending?.heartbeatDetails?.payloads?.[0]?.data;
    const beat = data == null ? undefined : (JSON.parse(Buffer.from(data).toString()) as TreeBeat);
    return beat !== undefined && beat.files > 0 ? beat : undefined;
  });
}

export function engine(): Promise<EngineRecord> {
  return eventually(() => engineOf(ledger()));
}

export async function failureOf(handle: WorkflowHandle<typeof migrateTree>): Promise<unknown> {
  const failure = await handle.result().then(
    () => undefined,
    (error: unknown) => error,
  );
  return failure instanceof WorkflowFailedError ? failure.cause : failure;
}
