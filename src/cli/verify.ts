import color from 'picocolors';

import type { PlanStep } from '../workflows/planner.js';
import { readClusterFile } from './cluster-file.js';
import { withClient } from './connect.js';
import { EXIT } from './exit.js';
import { runPlan } from './workflows.js';

/** Compares a cluster with its file and proves that mail flows. @returns the exit code. */
export async function verifyCluster(file: string, { json = false }: { json?: boolean }): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const { steps } = await runPlan(client, cluster, { prove: true });
    const findings = steps.filter(({ state }) => state === 'change' || state === 'unknown');
    const proven = steps.filter(({ state }) => state === 'proven').length;
    if (json) {
      process.stdout.write(`${JSON.stringify({ cluster: cluster.name, proven, findings, steps }, null, 2)}\n`);
    } else {
      for (const finding of findings) process.stdout.write(`${findingText(finding)}\n`);
      const compared = steps.filter(({ state }) => state === 'unchanged').length;
      process.stdout.write(`${compared} steps as described, ${proven} proofs passed, ${findings.length} findings\n`);
    }
    return findings.length === 0 ? EXIT.done : EXIT.differences;
  });
}

function findingText({ machine, title, changes, note }: PlanStep): string {
  const details = changes.map(({ what, before, after }) => `${what} is ${before}, not ${after}`);
  return `${color.red('!')} ${machine}: ${title}: ${[...details, ...(note === '' ? [] : [note])].join('; ')}`;
}
