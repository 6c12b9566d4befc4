import { readClusterFile } from './cluster-file.js';
import { withClient } from './connect.js';
import { EXIT } from './exit.js';
import { planText, summarise } from './plan-text.js';
import { runPlan } from './workflows.js';

/** Plans a rollout and prints it. @returns the exit code. */
export async function planCluster(file: string, { json = false }: { json?: boolean }): Promise<number> {
  const cluster = await readClusterFile(file);
  return withClient(async (client) => {
    const plan = await runPlan(client, cluster);
    process.stdout.write(
      json ? `${JSON.stringify({ ...plan, summary: summarise(plan) }, null, 2)}\n` : planText(plan, { all: true }),
    );
    return summarise(plan).unknown > 0 ? EXIT.failed : EXIT.done;
  });
}
