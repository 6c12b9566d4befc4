import { budgetAt, readLimits, writeLimits } from '../transfer/limits.js';
import { readStatus, type LedgerStatus, type RunStatus } from '../transfer/run-status.js';
import type { Budget, Limits } from '../transfer/types.js';
import { explainHint } from './explain-hint.js';
import { EXIT } from './exit.js';
import { Meter, progressLine } from './progress-line.js';
import { countText, sizeText } from './quantities.js';
import { hoursText, readTimetable } from './timetable.js';
import type { LimitFlags } from './transfer.js';
import { changed, knownPair } from './transfer-run.js';
import { resultText } from './transfer-text.js';

/** Columns of a progress line below its heading. */
const COLUMNS = 78;

/** Tells what a ledger is about and how its runs go. @returns the exit code. */
export async function showTransfer({ ledger: folder, json }: { ledger: string; json?: true }): Promise<number> {
  const { ledger, source, destination } = await knownPair(folder);
  const [status, limits] = await Promise.all([readStatus(ledger), readLimits(ledger)]);
  const now = budgetAt(limits, new Date());
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ source, destination, ...status, limits, now }, null, 2)}\n`);
  } else {
    const lines = [
      `source       ${source}`,
      `destination  ${destination}`,
      ...limitLines(limits, now),
      ...runLines(status),
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
  }
  return EXIT.done;
}

/** Changes the limits of a ledger, or shows them. @returns the exit code. */
export async function limitTransfer(flags: LimitFlags): Promise<number> {
  const { ledger } = await knownPair(flags.ledger);
  const { limitBytes, limitFiles, timetable: file, json } = flags;
  let limits = await readLimits(ledger);
  if (limitBytes !== undefined || limitFiles !== undefined || file !== undefined) {
    const timetable = file === undefined || file === 'none' ? file : await readTimetable(file);
    limits = changed(limits, limitBytes, limitFiles, timetable);
    await writeLimits(ledger, limits);
  }
  const now = budgetAt(limits, new Date());
  const text = json === true ? JSON.stringify({ limits, now }, null, 2) : limitLines(limits, now).join('\n');
  process.stdout.write(`${text}\n`);
  return EXIT.done;
}

function limitLines(limits: Limits, now: Budget): string[] {
  const { timetable = [] } = limits;
  const hours = timetable.map((entry) => `             ${hoursText(entry)}: ${budgetText(entry)}`);
  if (hours.length === 0) return [`limit        ${budgetText(limits)}`];
  return [`limit now    ${budgetText(now)}`, ...hours, `             otherwise: ${budgetText(limits)}`];
}

function budgetText({ bytes, files }: Budget): string {
  const parts = [
    ...(bytes === undefined ? [] : [`${sizeText(bytes)}/s`]),
    ...(files === undefined ? [] : [`${countText(files)} files/s`]),
  ];
  return parts.length === 0 ? 'none' : parts.join(' and ');
}

function runLines({ runs, running }: LedgerStatus): string[] {
  const names = Object.keys(runs) as (keyof typeof runs)[];
  return names.flatMap((task) => {
    const run = runs[task];
    const pid = running?.task === task ? running.pid : undefined;
    return run === undefined ? [] : ['', ...oneRun(run.kind ?? task, run, pid)];
  });
}

function oneRun(name: string, { since, progress, end }: RunStatus, pid: number | undefined): string[] {
  if (end?.result !== undefined) return [`${name}, ended ${end.at}`, ...indented(resultText(end.result))];
  const state =
    end?.failure !== undefined
      ? `failed ${end.at}: ${end.failure.message} (${end.failure.code}); ${explainHint(end.failure.code)}`
      : end !== undefined
        ? `stopped ${end.at}: the same command goes on`
        : pid === undefined
          ? 'cut short: the same command goes on'
          : `runs as process ${pid} since ${since}`;
  const line = progress === undefined ? [] : [progressLine(progress, new Meter('durable').read(progress, 0), COLUMNS)];
  return [`${name}, ${state}`, ...line.map((text) => `  ${text}`)];
}

function indented(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`);
}
