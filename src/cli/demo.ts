import { defaultLabDirectory, labUp } from '../lab/lab.js';
import { proveMail } from '../lab/proof.js';
import { EXIT } from './exit.js';
import { environmentOf } from './lab-run.js';
import { startRollout } from './start.js';

/** A whole rollout on throw-away machines, shown live, and left running. @returns the exit code. */
export async function demo({ dir = defaultLabDirectory() }: { dir?: string }): Promise<number> {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  say('Starting the lab: three mail servers, a database server, a share server, a balancer, on this machine.');
  const lab = await labUp({
    dir,
    agents: true,
    log: (line) => {
      say(`  ${line}`);
    },
  });
  Object.assign(process.env, environmentOf(lab));
  say('\nRolling out the cluster:\n');
  const code = await startRollout(lab.paths.clusterFile, { yes: true });
  if (code !== EXIT.done) return code;
  const { subject, seconds } = await proveMail(lab, 'C');
  say(
    `\nProof: the message "${subject}" was sent to the balancer ${lab.addresses.balancer} and read on node C after ${seconds.toFixed(1)} s.`,
  );
  say('\nThe cluster keeps running. Look at it:');
  if (lab.temporal.uiUrl !== undefined) say(`  Web UI         ${lab.temporal.uiUrl}`);
  say(`  cluster file   ${lab.paths.clusterFile}`);
  say('  end it         npm run demo:down');
  return EXIT.done;
}
