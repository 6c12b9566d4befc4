import { Command } from 'commander';

import { AGENT_FILE } from '../platform/agent-file.js';

export interface WorkerFlags {
  readonly control?: true;
  readonly node?: string;
  readonly share?: true;
  readonly agent: string;
}

const EXAMPLES = `
Examples:
  $ icewarp-rollout worker --control            on the operator's machine: workflows, databases, balancer, probes
  $ icewarp-rollout worker --node A             on the machine of node A
  $ icewarp-rollout worker --share              on the share server

The Temporal server is found through TEMPORAL_ADDRESS and the other variables or the profile of the Temporal SDK.
The log goes to standard error, one JSON object a line, with or without --json.
`;

/** The command behind `icewarp-rollout worker` and src/worker.ts, which brings what runs. */
export function workerCommand(run: (flags: WorkerFlags) => Promise<number>): Command {
  return new Command('worker')
    .description('run the control worker, or the agent of one machine')
    .option('--control', 'control worker: runs workflows and what is done from the operator’s machine')
    .option('--node <id>', 'agent of the node with this id')
    .option('--share', 'agent of the share server')
    .option('--agent <file>', 'settings of this machine', AGENT_FILE)
    .option('--json', 'as for the other commands; the log is JSON lines anyway')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', '\nExit status: 0 stopped by a signal; 1 failed; 2 wrong usage or agent.yaml.\n')
    .action(async (flags: WorkerFlags) => {
      process.exitCode = await run(flags);
    });
}
