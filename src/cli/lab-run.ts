import { DEFAULT_SIZE, defaultLabDirectory, labDown, labStatus, labUp, type Lab } from '../lab/lab.js';
import { EXIT } from './exit.js';
import { say } from './say.js';

interface LabFlags {
  readonly dir?: string;
  readonly json?: boolean;
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
  production = false,
  json = false,
}: LabFlags & {
  readonly agents: boolean;
  readonly oldMail?: boolean;
  readonly production?: boolean;
}): Promise<number> {
  const log = (line: string): void => say(json, { event: 'lab', text: line.trim() }, line);
  const lab = await labUp({ dir, agents, oldMail, log, ...(production ? { production: DEFAULT_SIZE } : {}) });
  const environment = environmentOf(lab);
  const { clusterFile } = lab.paths;
  const lines = [
    '\nThe lab is up: machines without a cluster. Go on with:',
    ...Object.entries(environment).map(([name, value]) => `  export ${name}=${value}`),
    `  icewarp-rollout plan ${clusterFile}`,
    `  icewarp-rollout start ${clusterFile}`,
  ];
  say(json, { event: 'up', directory: lab.directory, clusterFile, environment }, lines.join('\n'));
  return EXIT.done;
}

/** Stops and removes a lab. @returns the exit code. */
export async function down({ dir = defaultLabDirectory(), json = false }: LabFlags): Promise<number> {
  await labDown(dir);
  say(json, { event: 'down', directory: dir }, 'The lab is down; nothing of it is left.');
  return EXIT.done;
}

/** Says what of a lab runs. @returns the exit code. */
export async function status({ dir = defaultLabDirectory(), json = false }: LabFlags): Promise<number> {
  const found = await labStatus(dir);
  const { directory, phase, parts, clusterFile, uiUrl } = found;
  const lines = [
    `lab in ${directory}: ${phase}`,
    ...parts.map(({ name, place, running }) => `  ${running ? '✓' : '×'} ${name.padEnd(16)} ${place}`),
    ...(clusterFile === undefined ? [] : [`cluster file: ${clusterFile}`]),
    ...(uiUrl === undefined ? [] : [`Web UI: ${uiUrl}`]),
  ];
  process.stdout.write(`${json ? JSON.stringify(found, null, 2) : lines.join('\n')}\n`);
  return phase === 'broken' ? EXIT.failed : EXIT.done;
}
