import { ApplicationFailure, cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import type { DataConverter } from '@temporalio/common';
import type { Worker as TemporalWorker } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { TestWorkflowEnvironment } from '@temporalio/testing';

import type { Change } from '../../src/activities/resource.js';
import { copyQueueOf, everyMachine, machinesOf } from '../../src/cluster/names.js';
import type { ClusterFile } from '../../src/cluster/schema.js';
import { PRODUCT_VERSION } from '../../src/cluster/version.js';

type Activity = (...args: never[]) => Promise<unknown>;

/** Machines that only remember what was applied to them; what fails and what is slow is set by the test. */
export class FakeWorld {
  /** Steps that are applied now. */
  readonly applied = new Set<string>();
  /** Everything that happened, in order. */
  readonly log: string[] = [];
  /** Activity name and step, joined by a space → how often it fails, and with what. */
  readonly failures = new Map<string, { times: number; code: string; message: string }>();
  /** `apply` of these steps runs until it is cancelled. */
  readonly endless = new Set<string>();
  readonly waysBack: string[] = [];
  /** What `restore` of a step leaves in place. */
  readonly kept = new Map<string, string[]>();
  /** Answers of read-only procedures, by machine. */
  readonly facts = new Map<string, unknown>();
  /** What `check` of a step observes before it is applied; null unless told. */
  readonly before = new Map<string, unknown>();
  /** What `check` of a step finds to change before it is applied; from absent to there unless told. */
  readonly changes = new Map<string, readonly Change[]>();
  /** Results of passes over trees that differ from "done", by activity. */
  readonly passes = new Map<string, unknown>();
  /** What the next copies of a tree take; a second where nothing is told. */
  readonly seconds: number[] = [];
  /** Passes over trees that run until they are cancelled, by activity. */
  readonly endlessPasses = new Set<string>();

  activitiesOn(machine: string, kinds: readonly string[], actions: readonly string[]): Record<string, Activity> {
    const note = (activity: string, step: string): void => {
      this.log.push(`${activity} ${step}`);
      const failure = this.failures.get(`${activity} ${step}`);
      if (failure === undefined || failure.times === 0) return;
      failure.times -= 1;
      throw ApplicationFailure.create({ type: failure.code, message: failure.message, nonRetryable: true });
    };
    const offered: [string, Activity][] = [
      [
        'agent.hello',
        async () => {
          note('agent.hello', machine);
          return { version: PRODUCT_VERSION, platform: 'linux', clock: Date.now(), waysBack: [...this.waysBack] };
        },
      ],
      [
        'agent.forget',
        async () => {
          note('agent.forget', machine);
          this.waysBack.splice(0);
        },
      ],
    ];
    for (const kind of kinds) {
      offered.push(
        [
          `${kind}.check`,
          async (step: string) => {
            await Promise.resolve();
            const there = this.applied.has(step);
            return {
              before: there ? { there } : (this.before.get(step) ?? null),
              changes: there ? [] : (this.changes.get(step) ?? [{ what: kind, before: 'absent', after: 'there' }]),
            };
          },
        ],
        [
          `${kind}.apply`,
          async (step: string) => {
            note(`${kind}.apply`, step);
            if (this.endless.has(step)) await this.#untilCancelled(step);
            this.applied.add(step);
          },
        ],
        [
          `${kind}.restore`,
          async (step: string) => {
            await Promise.resolve();
            note(`${kind}.restore`, step);
            this.applied.delete(step);
            return this.kept.get(step) ?? [];
          },
        ],
      );
    }
    for (const action of actions) {
      offered.push([
        `${action}.run`,
        async (step: string) => {
          await Promise.resolve();
          note(`${action}.run`, step);
          return this.facts.get(`${action} ${machine}`) ?? null;
        },
      ]);
    }
    return Object.fromEntries(offered);
  }

  /** What a node offers on its copy queue. */
  copiesOn(machine: string): Record<string, Activity> {
    const answer = (activity: string, usual: () => unknown): Activity => {
      return async ({ tree }: { readonly tree: { readonly name: string } }) => {
        await Promise.resolve();
        this.log.push(`${activity} ${machine}/${tree.name}`);
        if (this.endlessPasses.has(activity)) await this.#untilCancelled(`${activity} ${machine}/${tree.name}`);
        return this.passes.get(activity) ?? usual();
      };
    };
    const amount = { files: 3, bytes: 300 };
    const counts = { unchanged: 0, moved: 0, deleted: 0, hardLinks: 0, skipped: 0 };
    const pass = (): unknown => ({
      kind: 'seed',
      outcome: 'done',
      seen: amount,
      copied: amount,
      ...counts,
      times: '',
      notes: [],
      seconds: this.seconds.shift() ?? 1,
    });
    return {
      'tree.cut': answer('tree.cut', () => ({ shards: 0, entries: 3, id: 'cut' })),
      'tree.copy': answer('tree.copy', pass),
      'tree.verify': answer('tree.verify', () => ({
        outcome: 'equal',
        read: 'direct',
        checked: amount,
        different: 0,
        seconds: 1,
      })),
    };
  }

  async #untilCancelled(step: string): Promise<void> {
    try {
      for (;;) {
        heartbeat();
        await sleep(100);
      }
    } catch (error) {
      // a step takes a moment to stop; no undo may start before it has
      await new Promise((resolve) => setTimeout(resolve, 700));
      this.log.push(`stopped ${step}`);
      cancellationSignal().throwIfAborted();
      throw error;
    }
  }
}

/** A worker per machine of the cluster, all of the same fake world. */
export async function workersOf(
  environment: TestWorkflowEnvironment,
  world: FakeWorld,
  cluster: ClusterFile,
  names: {
    readonly kinds: readonly string[];
    readonly actions: readonly string[];
    readonly bundle: { readonly codePath: string };
    readonly dataConverter: DataConverter;
  },
  without: readonly string[] = [],
): Promise<TemporalWorker[]> {
  const machines = everyMachine(machinesOf(cluster)).filter(({ name }) => !without.includes(name));
  const copiers = machines.filter(({ place }) => place === 'node');
  return Promise.all([
    ...machines.map(({ name, queue, place }) =>
      Worker.create({
        connection: environment.nativeConnection,
        namespace: environment.namespace ?? 'default',
        taskQueue: queue,
        dataConverter: names.dataConverter,
        activities: world.activitiesOn(name, names.kinds, names.actions),
        maxHeartbeatThrottleInterval: '1s',
        ...(place === 'control' ? { workflowBundle: names.bundle } : {}),
      }),
    ),
    ...copiers.map(({ name }) =>
      Worker.create({
        connection: environment.nativeConnection,
        namespace: environment.namespace ?? 'default',
        taskQueue: copyQueueOf(cluster.name, name),
        dataConverter: names.dataConverter,
        activities: world.copiesOn(name),
        maxHeartbeatThrottleInterval: '1s',
      }),
    ),
  ]);
}
