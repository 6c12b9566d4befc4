import { defaultLabDirectory, labDown, labStatus, labUp, type Lab } from '../lab/lab.js';
import { EXIT } from './exit.js';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What a shell needs to work with a lab. */
export function environmentOf(lab: Lab): Record<string, string> {
  const { address, uiUrl } = lab.temporal;
  return { TEMPORAL_ADDRESS: address, ...(uiUrl === undefined ? {} : { TEMPORAL_UI_ADDRESS: uiUrl }) };
}

/** Starts a lab and says how to go on. @returns the exit code. */
export async function up({
  dir = defaultLabDirectory(),
  agents,
  oldMail = false,
}: {
  dir?: string;
  agents: boolean;
  oldMail?: boolean;
}): Promise<number> {
  const lab = await labUp({ dir, agents, oldMail, log: say });
  say('\nThe lab is up: machines without a cluster. Go on with:');
  for (const [name, value] of Object.entries(environmentOf(lab))) say(`  export ${name}=${value}`);
  say(`  icewarp-rollout plan ${lab.paths.clusterFile}`);
  say(`  icewarp-rollout start ${lab.paths.clusterFile}`);
  return EXIT.done;
}

/** Stops and removes a lab. @returns the exit code. */
export async function down({ dir = defaultLabDirectory() }: { dir?: string }): Promise<number> {
  await labDown(dir);
  say('The lab is down; nothing of it is left.');
  return EXIT.done;
}

/** Says what of a lab runs. @returns the exit code. */
export async function status({
  dir = defaultLabDirectory(),
  json = false,
}: {
  dir?: string;
  json?: boolean;
}): Promise<number> {
  const found = await labStatus(dir);
  if (json) {
    say(JSON.stringify(found, null, 2));
    return EXIT.done;
  }
  say(`lab in ${found.directory}: ${found.phase}`);
  for (const { name, place, running } of found.parts) say(`  ${running ? '✓' : '×'} ${name.padEnd(16)} ${place}`);
  if (found.clusterFile !== undefined) say(`cluster file: ${found.clusterFile}`);
  if (found.uiUrl !== undefined) say(`Web UI: ${found.uiUrl}`);
  return found.phase === 'broken' ? EXIT.failed : EXIT.done;
}
