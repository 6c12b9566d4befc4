import { Command, InvalidArgumentError, Option } from 'commander';

import { labSubcommand } from './lab-subcommand.js';

const SERVERS = ['A', 'B', 'C', 'balancer'] as const;
type Server = (typeof SERVERS)[number];

interface LoadFlags {
  readonly dir?: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ icewarp-rollout lab load start             users of a lab made with --production, who never stop
  $ icewarp-rollout lab load target balancer   they go there from now on
  $ icewarp-rollout lab load stop
  $ icewarp-rollout lab load check             is everything where they left it?
`;

/** The commands of the lab's load. */
export function loadCommand(): Command {
  const load = new Command('load')
    .description("users of the lab's server in production: they send mail, use mailboxes, and know what must be there")
    .addHelpText('before', EXAMPLES)
    .addHelpText(
      'after',
      '\nExit status: 0 done; 1 failed; 2 wrong usage; 3 check: not everything is as it has to be.\n',
    );
  for (const command of [start(), target(), stop(), check()]) load.addCommand(command);
  return load;
}

function start(): Command {
  return labSubcommand('start', 'start the load', ['load start', 'load start --target balancer'], 'as JSON')
    .addOption(new Option('--target <server>', 'where its clients go').choices(SERVERS).default('A'))
    .option('--seed <number>', 'of its random numbers', wholeNumber)
    .addHelpText('after', '\nExit status: 0 it runs; 1 failed; 2 wrong usage.\n')
    .action(async (flags: LoadFlags & { target: Server; seed?: number }) => {
      const run = await import('./lab-load-run.js');
      process.exitCode = await run.start(flags);
    });
}

function target(): Command {
  return labSubcommand('target', 'send the clients to another server', ['load target balancer'], 'as JSON')
    .argument('<server>', `one of ${SERVERS.join(', ')}`, serverNamed)
    .addHelpText('after', '\nExit status: 0 done; 1 failed; 2 wrong usage.\n')
    .action(async (server: Server, flags: LoadFlags) => {
      const run = await import('./lab-load-run.js');
      process.exitCode = await run.target(server, flags);
    });
}

function stop(): Command {
  return labSubcommand('stop', 'end the load after what it has in hand', ['load stop'], 'as JSON')
    .addHelpText('after', '\nExit status: 0 it has ended; 1 failed; 2 wrong usage.\n')
    .action(async (flags: LoadFlags) => {
      const run = await import('./lab-load-run.js');
      process.exitCode = await run.stop(flags);
    });
}

function check(): Command {
  return labSubcommand(
    'check',
    'compare everything with what the load knows, when it has stopped',
    ['load check', 'load check --imap B C --store share --json'],
    'one document: problems, counts, and the times in which a service was away',
  )
    .addOption(
      new Option('--imap <server...>', 'through whose IMAP mailboxes are read').choices(SERVERS).default(['A']),
    )
    .addOption(
      new Option('--store <where>', "on whose disk: node A's own, or the share's").choices(['A', 'share']).default('A'),
    )
    .addHelpText('after', '\nExit status: 0 all is there; 1 failed; 2 wrong usage; 3 something is not.\n')
    .action(async (flags: LoadFlags & { imap: Server[]; store: 'A' | 'share' }) => {
      const run = await import('./lab-load-run.js');
      process.exitCode = await run.check(flags);
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
}

function serverNamed(text: string): Server {
  const server = SERVERS.find((name) => name === text);
  if (server === undefined) throw new InvalidArgumentError(`expected one of ${SERVERS.join(', ')}`);
  return server;
}
