import { Argument, Command } from 'commander';

import { SHELLS, type Shell } from './completion/shells.js';

const EXAMPLES = `
Examples:
  $ icewarp-rollout completion bash > /etc/bash_completion.d/icewarp-rollout
  $ icewarp-rollout completion zsh > "\${fpath[1]}/_icewarp-rollout"
  $ icewarp-rollout completion fish > ~/.config/fish/completions/icewarp-rollout.fish
  $ icewarp-rollout completion powershell >> $PROFILE
`;

/** `completion`: a script that completes commands, options and error codes in a shell. */
export function completionCommand(): Command {
  return new Command('completion')
    .description('print a script that lets a shell complete commands, options and error codes')
    .addArgument(new Argument('<shell>', 'whose script').choices(SHELLS))
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', '\nExit status: 0 printed; 2 no such shell.\n')
    .action(async (shell: Shell, _flags: object, command: Command) => {
      const { completionScript } = await import('./completion/script.js');
      process.stdout.write(completionScript(command.parent ?? command, shell));
    });
}
