import { Command } from 'commander';

import type { RunOptions } from '../transfer/run.js';
import { parseCount, parsePercent, parseSize } from './quantities.js';

/** What the run of a copy may be given besides its task; another engine in tests. */
export type Engine = Pick<RunOptions, 'child' | 'env'>;

/** What a limit may be set to. */
export type LimitFlag = number | 'none';

export interface CopyFlags {
  /** The ledger is built anew from both sides. */
  readonly adopt?: true;
  readonly ledger: string;
  readonly final?: true;
  readonly alwaysHash?: readonly string[];
  readonly exclude?: readonly string[];
  readonly threads?: number;
  readonly limitBytes?: LimitFlag;
  readonly limitFiles?: LimitFlag;
  readonly maxDelete?: number;
  readonly maxSkipped?: number;
  readonly json?: true;
}

export interface VerifyFlags {
  readonly ledger: string;
  readonly sample?: number;
  readonly threads?: number;
  readonly json?: true;
}

export interface ReverseFlags {
  readonly ledger: string;
  readonly quarantine: string;
  readonly alwaysHash?: readonly string[];
  readonly exclude?: readonly string[];
  readonly threads?: number;
  readonly maxDelete?: number;
  readonly json?: true;
}

export interface LimitFlags {
  readonly ledger: string;
  readonly limitBytes?: LimitFlag;
  readonly limitFiles?: LimitFlag;
  readonly timetable?: string;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  $ icewarp-rollout transfer copy /opt/icewarp/mail /mnt/share/mail --ledger /var/lib/ledger    users go on working
  $ icewarp-rollout transfer copy /opt/icewarp/mail /mnt/share/mail --ledger /var/lib/ledger    again: what changed
  $ icewarp-rollout transfer copy … --ledger /var/lib/ledger --final --always-hash 'flags*.dat'  with the server stopped
  $ icewarp-rollout transfer verify --ledger /var/lib/ledger --sample 5                         read it back
  $ icewarp-rollout transfer limit --ledger /var/lib/ledger --limit-bytes 20M                   slower, at once
`;

const EXIT_STATUS =
  '\nExit status: 0 done; 1 failed or stopped: the same command goes on; 2 wrong usage; 3 done with skipped items or\ndifferences; 4 held, or the source was not quiet.\n';

const LEDGER = [
  '--ledger <folder>',
  'on the local disk: what has been copied, limits, lists of skipped items',
] as const;
const THREADS = [
  '--threads <count>',
  'threads, or the most lanes on a slow share; default: chosen by what it gives',
] as const;
const PATTERNS = 'a pattern without a slash is matched against every name; ** stands for any folders';

/** The commands of the copy engine. They need neither Temporal nor a cluster file. */
export function transferCommand(engine: Engine = {}): Command {
  const transfer = new Command('transfer')
    .description('copy a live mail tree onto a share, safely and fast; again and again, until the last time is short')
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_STATUS);
  for (const command of [copy(engine), verify(engine), reverse(engine), adopt(engine), status(), limit()])
    transfer.addCommand(command);
  return transfer;
}

function copy(engine: Engine): Command {
  return new Command('copy')
    .description('copy what is missing or has changed; the second time only what has changed since')
    .argument('<source>', 'folder that is copied')
    .argument('<destination>', 'existing folder, on a share for instance')
    .requiredOption(...LEDGER)
    .option('--final', 'the source is quiet: a second walk proves it, and doubtful files are read again')
    .option(
      '--always-hash <pattern>',
      `files that the final pass reads again whatever their times say; ${PATTERNS}`,
      more,
    )
    .option('--exclude <pattern>', `what is left out, with everything below it; may be repeated; ${PATTERNS}`, more)
    .option(...THREADS, count(1, 64))
    .option(
      '--limit-bytes <number>',
      'bytes per second, such as 20M, or none; kept until it is changed',
      limitOf(parseSize),
    )
    .option('--limit-files <number>', 'files per second, or none; kept until it is changed', limitOf(count(1)))
    .option('--max-delete <count>', 'more deletions than this are not carried out; default: 1,000 or 2 %', count(0))
    .option('--max-skipped <count>', 'stop when more items than this are skipped; default: no limit', count(0))
    .option('--json', 'events as JSON lines, the result last')
    .addHelpText(
      'before',
      `
Examples:
  $ icewarp-rollout transfer copy /mail /mnt/share/mail --ledger /var/lib/ledger
  $ icewarp-rollout transfer copy /mail /mnt/share/mail --ledger /var/lib/ledger --final --always-hash '*.db'
  $ icewarp-rollout transfer copy /mail /mnt/share/mail --ledger /var/lib/ledger --exclude _outgoing --limit-bytes 20M
`,
    )
    .addHelpText('after', EXIT_STATUS)
    .action(async (source: string, destination: string, flags: CopyFlags) => {
      const { copyFolder } = await import('./transfer-run.js');
      process.exitCode = await copyFolder(source, destination, flags, engine);
    });
}

function adopt(engine: Engine): Command {
  return new Command('adopt')
    .description('build a ledger that is lost or too old anew, by comparing both sides; deletes nothing')
    .argument('<source>', 'folder that was copied')
    .argument('<destination>', 'where it was copied to')
    .requiredOption(...LEDGER)
    .option('--exclude <pattern>', `what is left out, with everything below it; may be repeated; ${PATTERNS}`, more)
    .option(...THREADS, count(1, 64))
    .option('--json', 'events as JSON lines, the result last')
    .addHelpText(
      'before',
      '\nExample:\n  $ icewarp-rollout transfer adopt /mail /mnt/share/mail --ledger /var/lib/new-ledger\n',
    )
    .addHelpText('after', EXIT_STATUS)
    .action(async (source: string, destination: string, flags: CopyFlags) => {
      const { copyFolder } = await import('./transfer-run.js');
      process.exitCode = await copyFolder(source, destination, { ...flags, adopt: true }, engine);
    });
}

function verify(engine: Engine): Command {
  return new Command('verify')
    .description('read the destination back and compare it with what was recorded when it was copied')
    .requiredOption(...LEDGER)
    .option('--sample <percent>', 'so much of the files only', parsePercent)
    .option(...THREADS, count(1, 64))
    .option('--json', 'events as JSON lines, the result last')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout transfer verify --ledger /var/lib/ledger --sample 5\n')
    .addHelpText('after', EXIT_STATUS)
    .action(async (flags: VerifyFlags) => {
      const { verifyCopy } = await import('./transfer-run.js');
      process.exitCode = await verifyCopy(flags, engine);
    });
}

function reverse(engine: Engine): Command {
  return new Command('reverse')
    .description('the way back: what has changed at the destination since the final pass goes to the source')
    .requiredOption(...LEDGER)
    .requiredOption(
      '--quarantine <folder>',
      'keeps whatever is replaced or removed: outside both trees, or where --exclude leaves it out of the source',
    )
    .option('--exclude <pattern>', `what is left out, with everything below it; may be repeated; ${PATTERNS}`, more)
    .option('--always-hash <pattern>', `files that are compared by content whatever their times say; ${PATTERNS}`, more)
    .option(...THREADS, count(1, 64))
    .option('--max-delete <count>', 'more deletions than this are not carried out; default: 1,000 or 2 %', count(0))
    .option('--json', 'events as JSON lines, the result last')
    .addHelpText(
      'before',
      '\nExample:\n  $ icewarp-rollout transfer reverse --ledger /var/lib/ledger --quarantine /var/lib/quarantine\n',
    )
    .addHelpText('after', EXIT_STATUS)
    .action(async (flags: ReverseFlags) => {
      const { reverseCopy } = await import('./transfer-run.js');
      process.exitCode = await reverseCopy(flags, engine);
    });
}

function status(): Command {
  return new Command('status')
    .description('what a ledger is about, what runs now, and how the last runs ended')
    .requiredOption(...LEDGER)
    .option('--json', 'as JSON')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout transfer status --ledger /var/lib/ledger\n')
    .addHelpText('after', '\nExit status: 0 told; 1 failed; 2 no ledger.\n')
    .action(async (flags: { ledger: string; json?: true }) => {
      const { showTransfer } = await import('./transfer-status.js');
      process.exitCode = await showTransfer(flags);
    });
}

function limit(): Command {
  return new Command('limit')
    .description('change how fast a ledger’s passes may go, at once for one that runs; without limits: show them')
    .requiredOption(...LEDGER)
    .option('--limit-bytes <number>', 'bytes per second, such as 20M, or none', limitOf(parseSize))
    .option('--limit-files <number>', 'files per second, or none', limitOf(count(1)))
    .option('--timetable <file>', 'YAML list of days, from, to, bytes, files: other limits in these hours; or none')
    .option('--json', 'as JSON')
    .addHelpText(
      'before',
      `
Examples:
  $ icewarp-rollout transfer limit --ledger /var/lib/ledger --limit-bytes 20M --limit-files 500
  $ icewarp-rollout transfer limit --ledger /var/lib/ledger --limit-bytes none --timetable hours.yaml

A timetable, such as: - { days: mon-fri, from: 07:00, to: 19:00, bytes: 10M }
`,
    )
    .addHelpText('after', '\nExit status: 0 done; 1 failed; 2 wrong usage or timetable.\n')
    .action(async (flags: LimitFlags) => {
      const { limitTransfer } = await import('./transfer-status.js');
      process.exitCode = await limitTransfer(flags);
    });
}

function more(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

function count(least: number, most?: number): (text: string) => number {
  return (text) => parseCount(text, least, most);
}

function limitOf(parse: (text: string) => number): (text: string) => LimitFlag {
  return (text) => (text === 'none' ? 'none' : parse(text));
}
