import { readClusterFile } from './cluster-file.js';
import { withClient } from './connect.js';
import { EXIT } from './exit.js';
import { follow } from './follow.js';
import { latestRollout } from './workflows.js';

/** Follows the cluster's rollout. Ctrl-C leaves it running. @returns the exit code. */
export async function watchRollout(file: string, flags: { json?: boolean }): Promise<number> {
  const cluster = await readClusterFile(file);
  process.once('SIGINT', () => {
    process.stderr.write(`\nThe rollout goes on. Look again with: icewarp-rollout watch ${file}\n`);
    process.exit(EXIT.done);
  });
  return withClient(async (client) => {
    await latestRollout(client, cluster);
    return follow(client, cluster, flags, file);
  });
}
