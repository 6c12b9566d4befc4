import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';

import type {
  CopyTreeInput,
  LimitTreeInput,
  ReverseTreeInput,
  Tree,
  TreeCut,
  VerifyTreeInput,
} from '../activities/tree.js';
import type { Hello } from '../activities/register.js';
import { copyQueueOf, queueOf } from '../cluster/names.js';
import type { Limits, PassResult, VerifyResult } from '../transfer/types.js';

/** Everything that a pass asks of the node that owns the ledger. */
export interface TreeCalls {
  hello(): Promise<Hello>;
  limit(input: LimitTreeInput): Promise<Limits>;
  cut(input: { readonly tree: Tree }): Promise<TreeCut>;
  copy(input: CopyTreeInput): Promise<PassResult>;
  verify(input: VerifyTreeInput): Promise<VerifyResult>;
  reverse(input: ReverseTreeInput): Promise<PassResult>;
}

/** Attempts without limit: whether the same may be tried again is a property of the error's code alone. */
const OPTIONS: ActivityOptions = {
  heartbeatTimeout: '15s',
  retry: { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '2m' },
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
};

/** Short ones go to the node's ordinary queue, long ones to its copy queue. */
export function treeCalls(cluster: string, node: string): TreeCalls {
  const short = { ...OPTIONS, taskQueue: queueOf(cluster, 'node', node), startToCloseTimeout: '1m' } as const;
  // a first copy over a thin line may take days; a heartbeat that fails to come ends it much sooner
  const long = { ...OPTIONS, taskQueue: copyQueueOf(cluster, node), startToCloseTimeout: '30d' } as const;
  const one = <I extends unknown[], T>(name: string, options: ActivityOptions, summary: (...input: I) => string) => {
    return (...input: I): Promise<T> => {
      const activities = proxyActivities<Record<string, (...args: I) => Promise<T>>>({
        ...options,
        summary: `${node}: ${summary(...input)}`.slice(0, 120),
      });
      const run = activities[name];
      if (run === undefined) throw new TypeError(`no activity ${name}`);
      return run(...input);
    };
  };
  return {
    hello: one('agent.hello', short, () => 'say hello'),
    limit: one('tree.limit', short, ({ tree }: LimitTreeInput) => `limits of ${tree.name}`),
    cut: one('tree.cut', long, ({ tree }: { readonly tree: Tree }) => `count ${tree.name}`),
    copy: one('tree.copy', long, ({ tree, kind, shard }: CopyTreeInput) => {
      return `${kind} of ${tree.name}${shard === undefined ? '' : `, shard ${shard.index + 1}`}`;
    }),
    verify: one('tree.verify', long, ({ tree }: VerifyTreeInput) => `verify ${tree.name}`),
    reverse: one('tree.reverse', long, ({ tree }: ReverseTreeInput) => `reverse ${tree.name}`),
  };
}
