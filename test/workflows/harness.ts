import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, type Worker } from '@temporalio/worker';

import { queueOf, rolloutIdOf } from '../../src/cluster/names.js';
import type { ClusterFile } from '../../src/cluster/schema.js';
import { PRODUCT_VERSION } from '../../src/cluster/version.js';
import { findTemporal } from '../../src/lab/temporal-server.js';
import { workerConverter, workflowBundle } from '../../src/temporal/data-converter.js';
import type { PayloadKeys } from '../../src/temporal/payload-keys.js';
import type { Plan } from '../../src/workflows/planner.js';
import type { RolloutInput } from '../../src/workflows/rollout-input.js';
import type { rollout } from '../../src/workflows/rollout.js';
import type { Action } from '../../src/workflows/runner.js';
import { commandUpdate, statusQuery, type StepStatus, type Verb } from '../../src/workflows/status.js';
import { STORY } from '../../src/workflows/story.js';
import { recordHistory } from '../replay/histories.js';
import { exampleCluster } from './example-cluster.js';
import { FakeWorld, workersOf } from './fake-world.js';

const BUILD = join(import.meta.dirname, '../../src');
const ACTIONS = [
  'nodePreflight',
  'nodesMeet',
  'sharePreflight',
  'databasePreflight',
  'statePreflight',
  'databaseDialect',
  'mailboxRoots',
  'mailboxRootsSeen',
  'collationLetters',
  'collationWeights',
  'collationClashes',
  'namesPreflight',
  'outsidePreflight',
  'databaseLogin',
  'databaseRehearsal',
  'dropScratch',
  'shareProof',
  'shareSeen',
  'shareLockHeld',
  'shareLockRefused',
  'shareFitness',
  'shareDelayAsked',
  'shareDelayAnswered',
  'licenceFacts',
  'nodeFacts',
  'portsClosable',
  'staysClosed',
  'incomingEmpties',
  'stopServices',
  'proveQuiet',
  'restartServices',
  'settleServices',
  'forgetOpened',
  'probeNode',
  'probePair',
  'probeBalancer',
  'probeLockout',
  'roomForMail',
  'pathScan',
  'shareInventory',
  'mailFound',
  'skippedItems',
  'treeInForce',
  'plantOldMessages',
  'probeOldMessages',
  'removeOldMessages',
  'probeViews',
  'probeOutside',
  'refreshDirectoryCache',
  'probeQuota',
  'localPlaces',
  'balancerAddresses',
  'ownConnections',
  'redisAnswers',
  'leaseTake',
  'leaseSwitched',
  'leaseEnd',
] as const satisfies readonly Action[];
const NAMES = { kinds: Object.keys(STORY), actions: ACTIONS };
export const MINUTE = 60_000;

export let environment: TestWorkflowEnvironment;
/** The cluster of the running test. */
export let cluster: ClusterFile;
/** Its machines. */
export let world: FakeWorld;
/** What the workers encrypt with; nothing unless told. */
let keys: PayloadKeys = { all: new Map() };
let running: { workers: Worker[]; ended: Promise<unknown> }[] = [];

/**
 * Starts a real Temporal server for the tests of a file, and stops each test's workers.
 *
 * @param database the file in which the server keeps everything; it forgets all without one.
 */
export function useTemporal(database?: () => string): void {
  beforeAll(async () => {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } },
    });
    environment = await TestWorkflowEnvironment.createLocal({
      // not the default one: nothing may take that for granted
      server: {
        executable: { type: 'existing-path', path: await findTemporal() },
        namespace: 'rehearsal',
        ...(database === undefined ? {} : { dbFilename: database() }),
      },
    });
  }, MINUTE);

  afterEach(stopWorkers, MINUTE);

  afterAll(async () => {
    await environment.teardown();
  }, MINUTE);
}

export async function stopWorkers(): Promise<void> {
  const workers = running.flatMap((group) => group.workers);
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
}

/** @param codePath workflow code of another release than this one. */
export async function runWorkers(without: readonly string[] = [], codePath?: string): Promise<Worker[]> {
  const bundle = codePath === undefined ? workflowBundle(BUILD, keys) : { codePath };
  const how = { dataConverter: workerConverter(keys), bundle };
  const workers = await workersOf(environment, world, cluster, { ...NAMES, ...how }, without);
  running.push({ workers, ended: Promise.allSettled(workers.map((worker) => worker.run())) });
  return workers;
}

export function newCluster(): void {
  cluster = exampleCluster(`t${randomUUID().slice(0, 8)}`);
  world = new FakeWorld();
}

/** What workers that are started from now on encrypt with. */
export function useKeys(others: PayloadKeys): void {
  keys = others;
}

/** The running test's cluster is another one, of the same name. */
export function useCluster(other: ClusterFile): void {
  cluster = other;
}

export async function start(extra: Partial<RolloutInput> = {}): Promise<WorkflowHandle<typeof rollout>> {
  return environment.client.workflow.start<typeof rollout>('rollout', {
    workflowId: rolloutIdOf(cluster.name),
    taskQueue: queueOf(cluster.name, 'control'),
    args: [{ cluster, by: 'tester@test', version: PRODUCT_VERSION, ...extra }],
  });
}

export async function plan(): Promise<Plan> {
  const handle = await environment.client.workflow.start('plan', {
    workflowId: `${rolloutIdOf(cluster.name)}.plan-${randomUUID()}`,
    taskQueue: queueOf(cluster.name, 'control'),
    args: [{ cluster, version: PRODUCT_VERSION }],
  });
  const found = (await handle.result()) as Plan;
  await recordHistory('plan', handle);
  return found;
}

export function command(handle: WorkflowHandle<typeof rollout>, verb: Verb, step?: string): Promise<string> {
  return handle.executeUpdate(commandUpdate, {
    args: [{ verb, by: 'tester@test', ...(step === undefined ? {} : { step }) }],
  });
}

export function approve(handle: WorkflowHandle<typeof rollout>, finding?: string): Promise<string> {
  return handle.executeUpdate(commandUpdate, {
    args: [{ verb: 'approve', by: 'tester@test', ...(finding === undefined ? {} : { finding }) }],
  });
}

export async function stepIs(
  handle: WorkflowHandle<typeof rollout>,
  id: string,
  state: StepStatus['state']['is'],
): Promise<StepStatus> {
  for (let look = 0; look < 300; look += 1) {
    const { steps } = await handle.query(statusQuery);
    const step = steps.find((one) => one.id === id);
    if (step?.state.is === state) return step;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${id} never was ${state}`);
}

export const applies = (): string[] => world.log.filter((line) => line.includes('.apply '));
export const restores = (): string[] => world.log.filter((line) => line.includes('.restore '));
export const stepOf = (line: string): string => line.slice(line.indexOf(' ') + 1);
