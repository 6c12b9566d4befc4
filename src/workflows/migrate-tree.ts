import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  executeChild,
  isCancellation,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';

import type { Tree } from '../activities/tree.js';
import { treeIdOf } from '../cluster/names.js';
import type { Amount, PassResult, VerifyResult } from '../transfer/types.js';
import { failure } from './calls.js';
import { treeCalls, type TreeCalls } from './tree-calls.js';
import {
  treeCommandUpdate,
  treeStatusQuery,
  type TreeCommand,
  type TreePass,
  type TreeStatus,
} from './tree-messages.js';

export interface MigrateTreeInput {
  readonly cluster: string;
  /** The node that owns the ledger: the one whose tree is moved. */
  readonly node: string;
  readonly tree: Tree;
  readonly pass: TreePass;
  /** Verify only: percent of the files. */
  readonly sample?: number;
  /** Reverse only. */
  readonly quarantine?: string;
}

export interface MigrateTreeResult {
  readonly result: PassResult | VerifyResult;
  /** Into how many shards the pass was cut. */
  readonly shards: number;
}

/**
 * One pass over one tree, a child of the rollout. A first copy goes in shards of a bounded size, one after the other,
 * since a ledger has one writer; then over the whole tree, for what no shard holds. Later passes find nearly everything
 * done and go over the whole tree at once, which deletions and moves need. History holds numbers only, and less than
 * 5,000 events for any tree.
 *
 * Cancelling stops the engine and leaves everything for the next pass. A share that hangs so that it cannot be stopped
 * makes the pass fail with SHARE_HANGS instead.
 */
export async function migrateTree(input: MigrateTreeInput): Promise<MigrateTreeResult> {
  const { cluster, node, tree, pass } = input;
  const calls = treeCalls(cluster, node);
  const steady = new Steady();
  let status: TreeStatus = { tree: tree.name, pass, doing: 'greets the agent', shard: 0, shards: 0, paused: false };
  const at = (news: Partial<TreeStatus>): void => {
    status = { ...status, ...news };
    const { doing, shard, shards } = status;
    setCurrentDetails(
      `**${pass}** of ${tree.name} on ${node}: ${doing}${shards === 0 ? '' : `, ${shard}/${shards} shards`}`,
    );
  };
  setHandler(treeStatusQuery, () => ({ ...status, paused: steady.paused }));
  setHandler(treeCommandUpdate, (command) => obey(command, tree, steady, calls), {
    validator: (command: TreeCommand) => validate(command, steady.paused),
  });
  await calls.hello();
  const result = await runPass(input, calls, steady, at);
  at({ doing: 'done' });
  await condition(allHandlersFinished);
  return { result, shards: status.shards };
}

/**
 * Runs a pass as a child of this workflow. When this one is cancelled the child stops its copy first.
 *
 * @param label tells passes of one kind apart, such as `delta-2`.
 */
export function runTreePass(input: MigrateTreeInput, label: string): Promise<MigrateTreeResult> {
  return executeChild(migrateTree, {
    args: [input],
    workflowId: treeIdOf(input.cluster, input.tree.name, label),
    staticSummary: `${label} of ${input.tree.name} on ${input.node}`,
    parentClosePolicy: 'REQUEST_CANCEL',
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  });
}

/**
 * A pass that ended well.
 *
 * @throws ApplicationFailure COPY_INCOMPLETE, COPY_DIFFERS.
 */
export function completePass({ result }: MigrateTreeResult): MigrateTreeResult['result'] {
  if ('checked' in result) {
    const { outcome, different, differencesFile = '' } = result;
    if (outcome === 'equal') return result;
    throw failure('COPY_DIFFERS', `${different} files on the share are not what was copied: ${differencesFile}`);
  }
  const { outcome, why = '', skippedFile = '' } = result;
  if (outcome === 'done') return result;
  throw failure('COPY_INCOMPLETE', `${why} ${skippedFile}`.trim());
}

type Tell = (news: Partial<TreeStatus>) => void;

function runPass(
  input: MigrateTreeInput,
  calls: TreeCalls,
  steady: Steady,
  at: Tell,
): Promise<PassResult | VerifyResult> {
  const { tree, pass, sample, quarantine } = input;
  switch (pass) {
    case 'seed':
      return seed(tree, calls, steady, at);
    case 'delta':
    case 'final':
      at({ doing: 'copies' });
      return steady.run(() => calls.copy({ tree, kind: pass }));
    case 'verify':
      at({ doing: 'verifies' });
      return steady.run(() => calls.verify({ tree, ...(sample === undefined ? {} : { sample }) }));
    case 'reverse':
      if (quarantine === undefined) throw ApplicationFailure.nonRetryable('a way back needs a quarantine', 'USAGE');
      at({ doing: 'reverses' });
      return steady.run(() => calls.reverse({ tree, quarantine }));
  }
}

/** The shards, then the rest. A shard that is held ends the pass: its result says why. */
async function seed(tree: Tree, calls: TreeCalls, steady: Steady, at: Tell): Promise<PassResult> {
  at({ doing: 'counts' });
  const cut = await steady.run(() => calls.cut({ tree }));
  at({ doing: 'copies', shards: cut.shards });
  const copied = { files: 0, bytes: 0 };
  let seconds = 0;
  for (let index = 0; index < cut.shards; index += 1) {
    const result = await steady.run(() => calls.copy({ tree, kind: 'seed', shard: { cut: cut.id, index } }));
    add(copied, result.copied);
    seconds += result.seconds;
    if (result.outcome !== 'done') return { ...result, copied, seconds };
    at({ shard: index + 1 });
  }
  const rest = await steady.run(() => calls.copy({ tree, kind: cut.shards === 0 ? 'seed' : 'delta' }));
  add(copied, rest.copied);
  // what the rest found unchanged is what the shards have copied
  return {
    ...rest,
    kind: 'seed',
    copied,
    unchanged: Math.max(0, rest.seen.files - copied.files),
    seconds: seconds + rest.seconds,
  };
}

function add(sum: { files: number; bytes: number }, more: Amount): void {
  sum.files += more.files;
  sum.bytes += more.bytes;
}

/** Work that can be paused: it is stopped cleanly, and begun again where the ledger says. */
class Steady {
  #scope: CancellationScope | undefined;
  #paused = false;

  get paused(): boolean {
    return this.#paused;
  }

  pause(): void {
    this.#paused = true;
    this.#scope?.cancel();
  }

  resume(): void {
    this.#paused = false;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    const outer = CancellationScope.current();
    for (;;) {
      await condition(() => !this.#paused);
      const scope = new CancellationScope();
      this.#scope = scope;
      try {
        return await scope.run(work);
      } catch (error) {
        // stopped from outside is for good
        if (!isCancellation(error) || outer.consideredCancelled) throw error;
      } finally {
        this.#scope = undefined;
      }
    }
  }
}

async function obey(command: TreeCommand, tree: Tree, steady: Steady, calls: TreeCalls): Promise<string> {
  switch (command.verb) {
    case 'pause':
      steady.pause();
      return 'paused: what runs is being stopped';
    case 'resume':
      steady.resume();
      return 'goes on';
    case 'limit':
      await calls.limit({ tree, limits: command.limits });
      return 'limits set';
  }
}

function validate({ verb }: TreeCommand, paused: boolean): void {
  if (verb === 'pause' && paused) throw ApplicationFailure.nonRetryable('it is paused already', 'REFUSED');
  if (verb === 'resume' && !paused) throw ApplicationFailure.nonRetryable('it is not paused', 'REFUSED');
}
