import type { Command } from 'commander';

/** Lets wrong usage of a command, and of every command below it, end in our exit code instead of commander's. */
export function strict(command: Command): Command {
  command.exitOverride().showHelpAfterError('(see --help, or: icewarp-rollout explain USAGE)');
  for (const below of command.commands) strict(below);
  return command;
}
