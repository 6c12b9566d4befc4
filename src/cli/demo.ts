import { defaultLabDirectory, labUp } from '../lab/lab.js';
import { proveMail } from '../lab/proof.js';
import { EXIT } from './exit.js';
import { reportFailure } from './failure.js';
import { environmentOf } from './lab-run.js';
import { say } from './say.js';
import { startRollout } from './start.js';

interface DemoFlags {
  readonly dir?: string;
  readonly json?: boolean;
}

/** A whole rollout on throw-away machines, shown live, and left running. @returns the exit code. */
export async function demo({ dir = defaultLabDirectory(), json = false }: DemoFlags): Promise<number> {
  const end = dir === defaultLabDirectory() ? 'npm run demo:down' : `icewarp-rollout lab down --dir ${dir}`;
  const code = await show(dir, json, end).catch(reportFailure);
  if (code !== EXIT.done) {
    process.stderr.write(`\nThe demo has not succeeded. What there is of it stays, to be looked at; end it: ${end}\n`);
  }
  return code;
}

async function show(dir: string, json: boolean, end: string): Promise<number> {
  const tell = (event: string, text: string): void => say(json, { event, text: text.trim() }, text);
  tell('demo', 'Starting the lab: three mail servers, a database server, a share server, a balancer, on this machine.');
  const lab = await labUp({ dir, agents: true, log: (line) => tell('lab', `  ${line}`) });
  Object.assign(process.env, environmentOf(lab));
  tell('demo', '\nRolling out the cluster:\n');
  const code = await startRollout(lab.paths.clusterFile, { yes: true, json });
  if (code !== EXIT.done) return code;
  const proof = await proveMail(lab);
  const { subject, takenBy, readOn, seconds } = proof;
  say(
    json,
    { event: 'proof', ...proof },
    `\nProof: the message "${subject}" was sent to the balancer ${lab.addresses.balancer}, which gave it to node ${takenBy}; ` +
      `it was read on node ${readOn}, ${seconds.toFixed(1)} s after it was sent.`,
  );
  const { uiUrl } = lab.temporal;
  const { clusterFile } = lab.paths;
  const lines = [
    '\nThe cluster keeps running. Look at it:',
    ...(uiUrl === undefined ? [] : [`  Web UI         ${uiUrl}`]),
    `  cluster file   ${clusterFile}`,
    `  end it         ${end}`,
  ];
  say(json, { event: 'running', clusterFile, ...(uiUrl === undefined ? {} : { webui: uiUrl }), end }, lines.join('\n'));
  return EXIT.done;
}
