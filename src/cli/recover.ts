import { Command } from 'commander';

import { AGENT_FILE } from '../platform/agent-file.js';

export interface RecoverFlags {
  readonly local: true;
  readonly agent: string;
  readonly yes?: true;
  readonly json?: true;
}

const EXAMPLES = `
Example:
  $ icewarp-rollout recover --local             on the node whose services are stopped, as root

For the bad hour: a rollout has stopped this node for a move, and Temporal or the control worker is away. Before the new
settings are switched on, the node's agent puts the old state back by itself; after that only this command does. The agent
must be stopped meanwhile. Once users have worked with the new state, only \`rollback\` brings along what they changed.
`;

/** The command with which a node is put back without Temporal; what runs is an entry of its own. */
export function recoverCommand(run: (flags: RecoverFlags) => Promise<number>): Command {
  return new Command('recover')
    .description('put back, without Temporal, what an unfinished stop has changed on this node')
    .requiredOption('--local', 'this node, and nothing else')
    .option('--agent <file>', 'settings of this machine', AGENT_FILE)
    .option('--yes', 'do not ask')
    .option('--json', 'events as JSON lines')
    .addHelpText('before', EXAMPLES)
    .addHelpText(
      'after',
      '\nExit status: 0 put back, or nothing to put back; 1 failed, refused or not agreed to; 2 wrong usage or agent.yaml;\n3 put back with something left in place.\n',
    )
    .action(async (flags: RecoverFlags) => {
      process.exitCode = await run(flags);
    });
}
