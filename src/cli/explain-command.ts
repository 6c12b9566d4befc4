import { Command } from 'commander';

/** `explain`: what an error code means. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('what an error code means, what it means for mail, and what to do next')
    .argument('[code]', 'as printed with every error; without one all are listed')
    .option('--json', 'as JSON')
    .addHelpText('before', '\nExamples:\n  $ icewarp-rollout explain AGENT_LOST\n  $ icewarp-rollout explain\n')
    .addHelpText('after', '\nExit status: 0 explained; 2 there is no such code.\n')
    .action(async (code: string | undefined, flags: { json?: true }) => {
      const { explain } = await import('./explain.js');
      process.exitCode = explain(code, flags);
    });
}
