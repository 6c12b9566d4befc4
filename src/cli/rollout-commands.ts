import { Command } from 'commander';

import { DEFAULT_FILE } from './default-file.js';
import type { StartFlags } from './start.js';

const FILE_HELP = 'the cluster file';

/** The commands that look at, or change, a whole cluster. Each loads what it needs only when it runs. */
export function rolloutCommands(): Command[] {
  return [validate(), doctor(), plan(), start(), verify()];
}

function validate(): Command {
  return new Command('validate')
    .description('check the cluster file, without any server')
    .argument('[file]', FILE_HELP, DEFAULT_FILE)
    .option('--json', 'problems as JSON')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout validate cluster.yaml\n')
    .addHelpText('after', '\nExit status: 0 right; 2 wrong.\n')
    .action(async (file: string, flags: { json?: true }) => {
      const { validateFile } = await import('./validate.js');
      process.exitCode = await validateFile(file, flags);
    });
}

function doctor(): Command {
  return new Command('doctor')
    .description('look for what would stop a rollout or spoil its result, before anything is changed; changes nothing')
    .argument('[file]', FILE_HELP, DEFAULT_FILE)
    .option('--json', 'findings as JSON')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout doctor cluster.yaml\n')
    .addHelpText(
      'after',
      '\nExit status: 0 nothing is in the way; 1 something stops a rollout, or could not be looked at; 2 wrong cluster file;\n3 warnings.\n',
    )
    .action(async (file: string, flags: { json?: true }) => {
      const { examineCluster } = await import('./doctor.js');
      process.exitCode = await examineCluster(file, flags);
    });
}

function plan(): Command {
  return new Command('plan')
    .description('show what a rollout would change, step by step; changes nothing')
    .argument('[file]', FILE_HELP, DEFAULT_FILE)
    .option('-o, --output <plan>', 'also save the plan in this file, for start --plan')
    .option('--json', 'the plan as JSON')
    .addHelpText(
      'before',
      '\nExamples:\n  $ icewarp-rollout plan cluster.yaml\n  $ icewarp-rollout plan cluster.yaml --output plan.json\n',
    )
    .addHelpText('after', '\nExit status: 0 planned; 1 something could not be looked at; 2 wrong cluster file.\n')
    .action(async (file: string, flags: { output?: string; json?: true }) => {
      const { planCluster } = await import('./plan.js');
      process.exitCode = await planCluster(file, flags);
    });
}

function start(): Command {
  return new Command('start')
    .description('plan, ask, then roll out with live progress; nothing to do is said')
    .argument('[file]', FILE_HELP, DEFAULT_FILE)
    .option(
      '--plan <plan>',
      'only what this saved plan says: refused, with the difference, if it would be anything else',
    )
    .option('--yes', 'do not ask')
    .option('--detach', 'start and return at once')
    .option('--adopt', 'originals that an earlier rollout kept stay the way back')
    .option('--forget', 'give up the way back of an earlier rollout')
    .option('--json', 'events as JSON lines')
    .addHelpText(
      'before',
      '\nExamples:\n  $ icewarp-rollout start cluster.yaml\n  $ icewarp-rollout start cluster.yaml --plan plan.json\n  $ icewarp-rollout start cluster.yaml --yes --detach\n',
    )
    .addHelpText(
      'after',
      '\nExit status: 0 done; 1 failed, or the saved plan no longer holds; 2 wrong cluster file or plan; 3 done with skipped steps or rolled back;\n4 held, or queued until a control worker is there.\n',
    )
    .action(async (file: string, flags: StartFlags) => {
      const { startRollout } = await import('./start.js');
      process.exitCode = await startRollout(file, flags);
    });
}

function verify(): Command {
  return new Command('verify')
    .description('compare a running cluster with its file and prove with real clients that mail flows')
    .argument('[file]', FILE_HELP, DEFAULT_FILE)
    .option('--json', 'findings as JSON')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout verify cluster.yaml\n')
    .addHelpText('after', '\nExit status: 0 as described and working; 3 differences; 2 wrong cluster file.\n')
    .action(async (file: string, flags: { json?: true }) => {
      const { verifyCluster } = await import('./verify.js');
      process.exitCode = await verifyCluster(file, flags);
    });
}
