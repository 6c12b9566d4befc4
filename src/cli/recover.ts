import { Command } from 'commander';

import { RolloutError } from '../cluster/errors.js';
import { AGENT_FILE } from '../platform/agent-file.js';

export interface RecoverFlags {
  readonly local?: true;
  readonly agent: string;
  readonly yes?: true;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ icewarp-rollout recover --local             on the node whose services are stopped, as root
  $ icewarp-rollout recover cluster.yaml        where status says that the control worker cannot follow the history

For bad hours. With --local: a rollout has stopped this node for a move, and Temporal or the control worker is away. Before the new
settings are switched on, the node's agent puts the old state back by itself; after that only this command does. The agent
must be stopped meanwhile. Once users have worked with the new state, only \`rollback\` brings along what they changed.

With a cluster file: Temporal has recorded something else than this release's code does, so no control worker can carry the
rollout on. It is reset to the latest point that the code follows, and goes on from there; what was done since is found done.
Run it with the release that the control worker has.
`;

/** What runs is above this room. */
export interface RecoverEntries {
  readonly node: (flags: RecoverFlags) => Promise<number>;
  readonly rollout: (file: string, flags: RecoverFlags) => Promise<number>;
}

/** The command with which a node is put back without Temporal, or a rollout goes on that no worker can follow. */
export function recoverCommand({ node, rollout }: RecoverEntries): Command {
  return new Command('recover')
    .description('mend a rollout that cannot go on, or put back without Temporal what a stop has changed on this node')
    .argument('[file]', 'cluster file of a rollout whose history the control worker cannot follow')
    .option('--local', 'this node, without Temporal, and nothing else')
    .option('--agent <file>', 'settings of this machine', AGENT_FILE)
    .option('--yes', 'do not ask')
    .option('--json', 'events as JSON lines')
    .addHelpText('before', EXAMPLES)
    .addHelpText(
      'after',
      '\nExit status: 0 put back, mended, or nothing to do; 1 failed, refused or not agreed to; 2 wrong usage, file or agent.yaml;\n3 put back with something left in place.\n',
    )
    .action(async (file: string | undefined, flags: RecoverFlags) => {
      if ((file === undefined) !== (flags.local === true)) {
        throw new RolloutError('USAGE', 'say what is to be recovered: a cluster file, or --local');
      }
      process.exitCode = await (file === undefined ? node(flags) : rollout(file, flags));
    });
}
