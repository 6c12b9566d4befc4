import { Command } from 'commander';

import { loadCommand } from './lab-load.js';
import { labSubcommand } from './lab-subcommand.js';

interface LabFlags {
  readonly dir?: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ icewarp-rollout lab up        machines without a cluster, agents and Temporal running
  $ icewarp-rollout lab demo      up, a whole rollout, and a message through it
  $ icewarp-rollout lab status    what runs where
  $ icewarp-rollout lab down      everything stopped and removed
`;

/** The commands of the lab: a whole throw-away cluster on one machine. */
export function labCommand(): Command {
  const lab = new Command('lab')
    .description(
      'a throw-away cluster on this Linux machine: real MariaDB, Samba, HAProxy, Dovecot; a stand-in for IceWarp',
    )
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', '\nExit status: 0 done; 1 failed; 2 wrong usage.\n');
  for (const command of [up(), down(), status(), demo(), loadCommand()]) lab.addCommand(command);
  return lab;
}

function up(): Command {
  return labSubcommand(
    'up',
    'start the machines, the servers, Temporal and the agents',
    ['up', 'up --old-mail --dir /tmp/lab', 'up --production    the first node is a server with users'],
    'events as JSON lines; the last names the cluster file and the environment',
  )
    .option('--old-mail', 'the first node comes with IceWarp installed and old mail in it')
    .option('--production', 'the first node is a server in production: 20,000 messages in 40 mailboxes, all in SQLite')
    .option('--no-agents', 'start no agents')
    .addHelpText('after', '\nExit status: 0 up; 1 failed, and everything is removed again; 2 wrong usage.\n')
    .action(async (flags: LabFlags & { oldMail?: true; production?: true; agents: boolean }) => {
      const run = await import('./lab-run.js');
      process.exitCode = await run.up(flags);
    });
}

function down(): Command {
  return labSubcommand('down', 'stop everything and remove the lab', ['down', 'down --dir /tmp/lab'], 'as JSON')
    .addHelpText('after', '\nExit status: 0 nothing of it is left; 1 failed; 2 wrong usage.\n')
    .action(async (flags: LabFlags) => {
      const run = await import('./lab-run.js');
      process.exitCode = await run.down(flags);
    });
}

function status(): Command {
  return labSubcommand('status', 'what runs where', ['status', 'status --json'], 'as JSON')
    .addHelpText('after', '\nExit status: 0 up or down; 1 broken; 2 wrong usage.\n')
    .action(async (flags: LabFlags) => {
      const run = await import('./lab-run.js');
      process.exitCode = await run.status(flags);
    });
}

function demo(): Command {
  return labSubcommand(
    'demo',
    'lab up, a complete rollout with live progress, and the proof that mail flows',
    ['demo', 'demo --dir /tmp/lab'],
    'events as JSON lines',
  )
    .addHelpText(
      'after',
      '\nExit status: 0 proven; 1 failed; 2 wrong usage; 3 done with differences; 4 held. What there is of it stays.\n',
    )
    .action(async (flags: LabFlags) => {
      const run = await import('./demo.js');
      process.exitCode = await run.demo(flags);
    });
}
