#!/usr/bin/env node
import { Command } from 'commander';

import { labCommand } from './cli/lab.js';
import { operatorCommands } from './cli/operator-commands.js';
import { reportFailure } from './cli/failure.js';
import { rolloutCommands } from './cli/rollout-commands.js';
import { workerCommand, type WorkerFlags } from './cli/worker.js';
import { PRODUCT_VERSION } from './cluster/version.js';

const EXAMPLES = `
Examples:
  $ icewarp-rollout validate cluster.yaml       is the file right?
  $ icewarp-rollout plan cluster.yaml           what would change, and how it would be undone
  $ icewarp-rollout start cluster.yaml          roll out, with progress
  $ icewarp-rollout status cluster.yaml         where it stands, what it waits for, what to type
  $ icewarp-rollout retry cluster.yaml          go on at the held step
  $ icewarp-rollout rollback cluster.yaml       put everything back
  $ icewarp-rollout lab up                      a whole throw-away cluster on this machine, to try it
`;

const EXIT_STATUS = `
Exit status: 0 done; 1 failed; 2 wrong usage or cluster file; 3 finished with skipped items or differences;
4 held, waiting for an operator.
`;

/** The worker's code takes half a second to load: only when it is asked for. */
async function runWorker(flags: WorkerFlags): Promise<number> {
  const worker = await import('./worker.js');
  return worker.runWorker(flags);
}

const program = new Command('icewarp-rollout')
  .description('Turns single IceWarp mail servers into one load-balanced cluster, with a way back at every step.')
  .version(PRODUCT_VERSION)
  .addHelpText('before', EXAMPLES)
  .addHelpText('after', EXIT_STATUS)
  .showSuggestionAfterError()
  .showHelpAfterError('(see --help)')
  .exitOverride();

for (const command of [...rolloutCommands(), ...operatorCommands(), workerCommand(runWorker), labCommand()]) {
  program.addCommand(command.exitOverride());
}

// `… | head` closes our output early: that is no failure of ours
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
