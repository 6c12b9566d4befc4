import color from 'picocolors';

import type { Plan } from '../workflows/planner.js';
import { readClusterFile } from './cluster-file.js';
import { withClient } from './connect.js';
import { EXIT } from './exit.js';
import { findingsText } from './findings-text.js';
import { runPlan } from './workflows.js';

/** Looks for what is in the way of a rollout, and changes nothing. @returns the exit code. */
export async function examineCluster(file: string, { json = false }: { json?: boolean }): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const plan = await runPlan(client, cluster, { only: 'preflight' });
    const examined = examinedOf(plan);
    process.stdout.write(
      json
        ? `${JSON.stringify({ cluster: cluster.name, version: plan.version, ...examined }, null, 2)}\n`
        : doctorText(examined),
    );
    return exitCodeOf(examined);
  });
}

/** What a preflight came to. */
export interface Examined {
  readonly findings: NonNullable<Plan['findings']>;
  /** What could not be looked at, and why. */
  readonly unseen: readonly { readonly id: string; readonly why: string }[];
}

/** What a plan of the preflight alone says. */
export function examinedOf({ steps, findings = [] }: Pick<Plan, 'steps' | 'findings'>): Examined {
  const unseen = steps.filter(({ id, state }) => state === 'unknown' && !id.startsWith('rule/'));
  return { findings, unseen: unseen.map(({ id, note }) => ({ id, why: note })) };
}

/** 1 where something stops a rollout or could not be looked at, 3 for warnings, 0 for what is only worth knowing. */
export function exitCodeOf({ findings, unseen }: Examined): number {
  const has = (wanted: string): boolean => findings.some(({ severity }) => severity === wanted);
  if (unseen.length > 0 || has('stops')) return EXIT.failed;
  return has('warns') ? EXIT.differences : EXIT.done;
}

/** What a preflight came to, for people. */
export function doctorText(examined: Examined): string {
  const { findings, unseen } = examined;
  const count = (wanted: string): number => findings.filter(({ severity }) => severity === wanted).length;
  const [stops, warns, tells] = [count('stops'), count('warns'), count('tells')];
  const looked = unseen.length === 0 ? '' : `, ${unseen.length} machines that cannot be looked at`;
  const summary =
    stops + warns + unseen.length === 0
      ? `Nothing is in the way of a rollout; ${tells} things are worth knowing.`
      : `${stops} findings stop a rollout, ${warns} warn${looked}; ${tells} are worth knowing.`;
  return [
    ...findingsText(findings),
    ...unseen.map(({ id, why }) => `${color.red('!')} ${id}: ${why}`),
    `${summary} Nothing has been changed.`,
    '',
  ].join('\n');
}
