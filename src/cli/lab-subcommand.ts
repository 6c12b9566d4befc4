import { Command } from 'commander';

/** What all commands of the lab have in common; `output` says what --json gives. */
export function labSubcommand(name: string, description: string, examples: readonly string[], output: string): Command {
  return new Command(name)
    .description(description)
    .option('--dir <folder>', 'where the lab lives')
    .option('--json', output)
    .addHelpText('before', `\nExamples:\n${examples.map((line) => `  $ icewarp-rollout lab ${line}\n`).join('')}`);
}
