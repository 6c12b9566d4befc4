import { Command } from 'commander';

import type { Verb } from '../workflows/status.js';
import { DEFAULT_FILE } from './default-file.js';

const VERBS: Readonly<Record<Verb, { what: string; step: boolean; example?: string }>> = {
  retry: { what: 'go on at the held step; nothing that is done is done again', step: true },
  skip: { what: 'leave a held step out, where that is safe', step: true },
  approve: {
    what: 'go on in spite of a finding of the preflight, where that is an operator’s to decide',
    step: false,
    example: ' --finding B/port-25-taken',
  },
  pause: { what: 'stop after the steps now running', step: false },
  resume: { what: 'go on after a pause', step: false },
  rollback: { what: 'put everything back, of a running or of a finished rollout', step: false },
};

/** The commands with which an operator watches and steers a rollout. */
export function operatorCommands(): Command[] {
  return [status(), watch(), ...(Object.keys(VERBS) as Verb[]).map(verb)];
}

function status(): Command {
  return new Command('status')
    .description('where the rollout stands, what it waits for and what to type; answers within seconds')
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .option('--json', 'as JSON')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout status cluster.yaml\n')
    .addHelpText('after', '\nExit status: 0 running or done; 1 failed; 3 ended with differences; 4 held.\n')
    .action(async (file: string, flags: { json?: true }) => {
      const { showStatus } = await import('./status.js');
      process.exitCode = await showStatus(file, flags);
    });
}

function watch(): Command {
  return new Command('watch')
    .description('follow the rollout; Ctrl-C leaves it running')
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .option('--json', 'events as JSON lines')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout watch cluster.yaml\n')
    .addHelpText('after', '\nExit status: 0 done; 1 failed; 3 ended with differences; 4 held.\n')
    .action(async (file: string, flags: { json?: true }) => {
      const { watchRollout } = await import('./watch.js');
      process.exitCode = await watchRollout(file, flags);
    });
}

function verb(name: Verb): Command {
  const { what, step, example = step ? ' --step A/pathDat' : '' } = VERBS[name];
  const command = new Command(name)
    .description(what)
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .option('--json', 'as JSON')
    .addHelpText('before', `\nExample:\n  $ icewarp-rollout ${name} cluster.yaml${example}\n`)
    .addHelpText(
      'after',
      name === 'rollback'
        ? '\nExit status: 0 rolled back, or nothing to put back; 1 refused, with the reason; 2 wrong cluster file;\n3 rolled back with something left in place; 4 an undo is held, or queued until a control worker is there.\n'
        : '\nExit status: 0 accepted; 1 refused, with the reason, or no control worker; 2 wrong cluster file.\n',
    );
  if (step) command.option('--step <id>', 'which held step; without it all that are held');
  if (name === 'approve') command.requiredOption('--finding <id>', 'which finding, as doctor and status name it');
  if (name === 'rollback') command.option('--yes', 'do not ask').option('--detach', 'do not wait for the end');
  return command.action(
    async (file: string, flags: { json?: true; step?: string; finding?: string; yes?: true; detach?: true }) => {
      const { operate } = await import('./operate.js');
      process.exitCode = await operate(name, file, flags);
    },
  );
}
