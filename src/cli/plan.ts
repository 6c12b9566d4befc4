import { readClusterFile } from './cluster-file.js';
import { withClient } from './connect.js';
import { EXIT } from './exit.js';
import { hashLine, planText, summarise } from './plan-text.js';
import { assertMayBeSaved, planHash, savePlan } from './saved-plan.js';
import { runPlan } from './workflows.js';

interface PlanFlags {
  /** File in which the plan is saved too. */
  readonly output?: string;
  readonly json?: boolean;
}

/** Plans a rollout, prints it and saves it where that is asked for. @returns the exit code. */
export async function planCluster(file: string, { output, json = false }: PlanFlags): Promise<number> {
  const cluster = await readClusterFile(file);
  if (output !== undefined) await assertMayBeSaved(output);
  return withClient(async (client) => {
    const plan = await runPlan(client, cluster);
    const hash = planHash(cluster, plan);
    if (output !== undefined) await savePlan(output, cluster, plan);
    const text = `${planText(plan, { all: true })}${hashLine(hash)}\n`;
    const saved = output === undefined ? '' : `Saved in ${output}: icewarp-rollout start ${file} --plan ${output}\n`;
    process.stdout.write(
      json ? `${JSON.stringify({ ...plan, hash, summary: summarise(plan) }, null, 2)}\n` : text + saved,
    );
    return summarise(plan).unknown > 0 ? EXIT.failed : EXIT.done;
  });
}
