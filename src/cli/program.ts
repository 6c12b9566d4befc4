import { Command } from 'commander';

import { PRODUCT_VERSION } from '../cluster/version.js';
import { codecCommand } from './codec.js';
import { completionCommand } from './completion-command.js';
import { explainCommand } from './explain-command.js';
import { labCommand } from './lab.js';
import { lbCommand } from './lb.js';
import { operatorCommands } from './operator-commands.js';
import { recoverCommand, type RecoverEntries } from './recover.js';
import { rolloutCommands } from './rollout-commands.js';
import { strict } from './strict.js';
import { transferCommand } from './transfer.js';
import { workerCommand, type WorkerFlags } from './worker.js';

const EXAMPLES = `
Examples:
  $ icewarp-rollout validate cluster.yaml       is the file right?
  $ icewarp-rollout doctor cluster.yaml         what is in the way, before anything is changed?
  $ icewarp-rollout plan cluster.yaml           what would change, and how it would be undone
  $ icewarp-rollout start cluster.yaml          roll out, with progress
  $ icewarp-rollout status cluster.yaml         where it stands, what it waits for, what to type
  $ icewarp-rollout retry cluster.yaml          go on at the held step
  $ icewarp-rollout rollback cluster.yaml       put everything back
  $ icewarp-rollout explain AGENT_LOST          what an error code means, and what to do
  $ icewarp-rollout transfer --help             copy a live mail tree onto a share, without a cluster
  $ icewarp-rollout lab up                      a whole throw-away cluster on this machine, to try it
`;

const EXIT_STATUS = `
Exit status: 0 done; 1 failed; 2 wrong usage, cluster file or saved plan;
3 finished with skipped items or differences; 4 held or queued, waiting for an operator.
`;

/** The commands that are an agent, or act as one: their code is above this room. */
export interface Entries {
  readonly worker: (flags: WorkerFlags) => Promise<number>;
  readonly recover: RecoverEntries;
}

/** The whole command line. */
export function programWith({ worker, recover }: Entries): Command {
  const program = new Command('icewarp-rollout')
    .description('Turns single IceWarp mail servers into one load-balanced cluster, with a way back at every step.')
    .version(PRODUCT_VERSION)
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_STATUS)
    .showSuggestionAfterError();
  const commands = [
    ...rolloutCommands(),
    ...operatorCommands(),
    explainCommand(),
    completionCommand(),
    transferCommand(),
    workerCommand(worker),
    recoverCommand(recover),
    lbCommand(),
    codecCommand(),
    labCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  return strict(program);
}
