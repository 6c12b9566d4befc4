import { Command } from 'commander';

/** The commands of the lab: a whole throw-away cluster on one machine. */
export function labCommand(): Command {
  const lab = new Command('lab')
    .description(
      'a throw-away cluster on this Linux machine: real MariaDB, Samba, HAProxy, Dovecot; a stand-in for IceWarp',
    )
    .addHelpText(
      'before',
      '\nExamples:\n  $ icewarp-rollout lab up        machines without a cluster, agents and Temporal running\n  $ icewarp-rollout lab demo      up, a whole rollout, and a message through it\n  $ icewarp-rollout lab down      everything stopped and removed\n',
    )
    .addHelpText('after', '\nExit status: 0 done; 1 failed; 2 wrong usage.\n');
  lab
    .command('up')
    .description('start the machines, the servers, Temporal and the agents')
    .option('--dir <folder>', 'where the lab lives')
    .option('--old-mail', 'the first node comes with IceWarp installed and old mail in it')
    .option('--no-agents', 'start no agents')
    .action(async (flags: { dir?: string; oldMail?: true; agents: boolean }) => {
      const { up } = await import('./lab-run.js');
      process.exitCode = await up(flags);
    });
  lab
    .command('down')
    .description('stop everything and remove the lab')
    .option('--dir <folder>', 'where the lab lives')
    .action(async (flags: { dir?: string }) => {
      const { down } = await import('./lab-run.js');
      process.exitCode = await down(flags);
    });
  lab
    .command('status')
    .description('what runs where')
    .option('--dir <folder>', 'where the lab lives')
    .option('--json', 'as JSON')
    .action(async (flags: { dir?: string; json?: true }) => {
      const { status } = await import('./lab-run.js');
      process.exitCode = await status(flags);
    });
  lab
    .command('demo')
    .description('lab up, a complete rollout with live progress, and the proof that mail flows')
    .option('--dir <folder>', 'where the lab lives')
    .action(async (flags: { dir?: string }) => {
      const { demo } = await import('./demo.js');
      process.exitCode = await demo(flags);
    });
  return lab;
}
