import { Command, InvalidArgumentError, Option } from 'commander';

import { STAGES } from '../cluster/stages.js';
import type { Verb } from '../workflows/status.js';
import { DEFAULT_FILE } from './default-file.js';
import type { OperateFlags } from './operate.js';
import { parseCount, parseSize } from './quantities.js';

/** Verbs whose only argument is the cluster file. */
type PlainVerb = Exclude<Verb, 'cutover'>;

const VERBS: Readonly<Record<PlainVerb, { what: string; step: boolean; example?: string }>> = {
  retry: { what: 'go on at the held step; nothing that is done is done again', step: true },
  skip: { what: 'leave a held step out, where that is safe', step: true },
  approve: {
    what: 'let the stop of the services that waits begin; or go on in spite of a finding, or without items that were skipped',
    step: false,
    example: ' --finding B/port-25-taken',
  },
  reject: {
    what: 'the stop of the services that waits does not begin until it is approved',
    step: false,
    example: " --why 'the backup is not ready'",
  },
  limits: {
    what: 'how fast the trees of a server in production are copied, at once; without numbers: as fast as they can be',
    step: false,
    example: ' --bytes 20M --files 500',
  },
  pause: { what: 'stop after the steps now running', step: false },
  resume: { what: 'go on after a pause', step: false },
  rollback: {
    what: 'put everything back, or what came after a stage, of a running or of a finished rollout',
    step: false,
  },
  complete: {
    what: 'end the time in which a finished rollout can be put back; nothing of the old side is deleted',
    step: false,
  },
};

/** The commands with which an operator watches and steers a rollout. */
export function operatorCommands(): Command[] {
  return [status(), watch(), report(), ...(Object.keys(VERBS) as PlainVerb[]).map(verb), cutover()];
}

function status(): Command {
  return new Command('status')
    .description('where the rollout stands, what it waits for and what to type; answers within seconds')
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .option('--json', 'as JSON')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout status cluster.yaml\n')
    .addHelpText('after', '\nExit status: 0 running or done; 1 failed; 3 ended with differences; 4 held.\n')
    .action(async (file: string, flags: { json?: true }) => {
      const { showStatus } = await import('./status.js');
      process.exitCode = await showStatus(file, flags);
    });
}

function watch(): Command {
  return new Command('watch')
    .description('follow the rollout; Ctrl-C leaves it running')
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .option('--json', 'events as JSON lines')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout watch cluster.yaml\n')
    .addHelpText('after', '\nExit status: 0 done; 1 failed; 3 ended with differences; 4 held.\n')
    .action(async (file: string, flags: { json?: true }) => {
      const { watchRollout } = await import('./watch.js');
      process.exitCode = await watchRollout(file, flags);
    });
}

function report(): Command {
  return new Command('report')
    .description(
      'what the latest rollout took: its stops, forecast and real, who decided what, what Temporal keeps of it',
    )
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .option(
      '--html <file>',
      'also write one HTML file with time line, throughput, stops and probes; it needs no network',
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'before',
      '\nExamples:\n  $ icewarp-rollout report cluster.yaml --html report.html\n  $ icewarp-rollout report cluster.yaml --json\n',
    )
    .addHelpText('after', '\nExit status: 0 told; 1 there is none, or no control worker; 2 wrong cluster file.\n')
    .action(async (file: string, flags: { json?: true; html?: string }) => {
      const { reportRollout } = await import('./report.js');
      process.exitCode = await reportRollout(file, flags);
    });
}

function verb(name: PlainVerb): Command {
  const { what, step, example = step ? ' --step A/pathDat' : '' } = VERBS[name];
  const command = new Command(name)
    .description(what)
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .option('--json', 'as JSON')
    .addHelpText('before', `\nExample:\n  $ icewarp-rollout ${name} cluster.yaml${example}\n`)
    .addHelpText(
      'after',
      name === 'rollback'
        ? '\nExit status: 0 rolled back, or nothing to put back; 1 refused, with the reason; 2 wrong cluster file;\n3 rolled back with something left in place; 4 an undo is held, or queued until a control worker is there.\n'
        : '\nExit status: 0 accepted; 1 refused, with the reason, or no control worker; 2 wrong cluster file.\n',
    );
  if (step) command.option('--step <id>', 'which held step; without it all that are held');
  addOptions(name, command);
  return command.action(async (file: string, flags: OperateFlags) => {
    const { operate } = await import('./operate.js');
    process.exitCode = await operate(name, file, flags);
  });
}

function addOptions(name: PlainVerb, command: Command): void {
  switch (name) {
    case 'approve':
      command
        .option('--finding <id>', 'which finding, as doctor and status name it')
        .option('--skipped <hash>', 'which list of skipped items, as status names it');
      return;
    case 'reject':
      command.requiredOption('--why <reason>', 'for the record');
      return;
    case 'limits':
      command
        .option('--bytes <number>', 'bytes per second, such as 20M', parseSize)
        .option('--files <number>', 'files per second', (text) => parseCount(text, 1));
      return;
    case 'rollback':
      command
        .addOption(
          new Option(
            '--to <stage>',
            'only what came after that stage of a move was verified; start: everything',
          ).choices([...STAGES, 'start']),
        )
        .option('--yes', 'do not ask')
        .option('--detach', 'do not wait for the end');
      return;
    case 'complete':
      command.option('--yes', 'do not ask');
      return;
    case 'retry':
    case 'skip':
    case 'pause':
    case 'resume':
      return;
  }
}

/** When a stop of the services begins. */
function cutover(): Command {
  const command = new Command('cutover')
    .description('when the stop of the services that waits begins; or, once it has begun, that it goes back')
    .addHelpText(
      'before',
      '\nExamples:\n  $ icewarp-rollout cutover now cluster.yaml\n  $ icewarp-rollout cutover at 2026-12-01T02:00:00Z cluster.yaml\n',
    )
    .addHelpText('after', CUTOVER_EXIT);
  const send = async (file: string, flags: OperateFlags): Promise<void> => {
    const { operate } = await import('./operate.js');
    process.exitCode = await operate('cutover', file, flags);
  };
  const below = (name: string, what: string, example: string): Command =>
    new Command(name)
      .description(what)
      .addHelpText('before', `\nExample:\n  $ icewarp-rollout cutover ${example}\n`)
      .addHelpText('after', CUTOVER_EXIT);
  const file = ['[file]', 'the cluster file', DEFAULT_FILE] as const;
  command.addCommand(
    below('now', 'it begins, also where it is expected to take longer than it may', 'now cluster.yaml')
      .argument(...file)
      .option('--json', 'as JSON')
      .action((path: string, flags: OperateFlags) => send(path, { ...flags, when: 'now' })),
  );
  command.addCommand(
    below('at', 'it begins at that time', 'at 2026-12-01T02:00:00Z cluster.yaml')
      .argument('<time>', 'such as 2026-12-01T02:00:00Z', parseTime)
      .argument(...file)
      .option('--json', 'as JSON')
      .action((when: number, path: string, flags: OperateFlags) => send(path, { ...flags, when })),
  );
  command.addCommand(
    below(
      'cancel',
      'it does not begin by itself; one that is under way and not open yet goes back',
      'cancel cluster.yaml',
    )
      .argument(...file)
      .option('--json', 'as JSON')
      .action((path: string, flags: OperateFlags) => send(path, { ...flags, when: 'cancel' })),
  );
  return command;
}

const CUTOVER_EXIT =
  '\nExit status: 0 accepted; 1 refused, with the reason, or no control worker; 2 wrong cluster file.\n';

/** Milliseconds since the epoch. */
function parseTime(text: string): number {
  const time = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) throw new InvalidArgumentError('expected a time such as 2026-12-01T02:00:00Z');
  return time;
}
