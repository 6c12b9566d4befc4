import { join } from 'node:path';

import { RolloutError } from '../cluster/errors.js';
import { readIfThere, writeDurable } from './durable-file.js';
import { tempName } from './names.js';
import type { Budget, Limits, TimetableEntry } from './types.js';

export { Bucket, Throttle, type SharedThrottle } from './bucket.js';

const FILE = 'limits.json';
const MINUTES_OF_A_DAY = 1_440;

/**
 * The limits of a ledger's transfers; none when nobody has set any. Read again and again while a pass runs, so that a
 * change counts at once.
 *
 * @throws RolloutError USAGE naming what is wrong in the file.
 */
export async function readLimits(dir: string): Promise<Limits> {
  const file = join(dir, FILE);
  const text = await readIfThere(file);
  if (text === null) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RolloutError('USAGE', `${file} is no JSON`);
  }
  return checkLimits(value, file);
}

/** Sets the limits for all passes of a ledger, also of one that runs. @throws RolloutError USAGE when they are wrong. */
export async function writeLimits(dir: string, limits: Limits): Promise<void> {
  const text = JSON.stringify(checkLimits(limits, 'the limits'), null, 2);
  await writeDurable(dir, FILE, `${text}\n`, tempName('limits', process.pid));
}

/**
 * The budget that is in force at a time: that of the first entry of the timetable which holds it, entirely; without
 * one the general budget.
 */
export function budgetAt(limits: Limits, date: Date): Budget {
  const day = date.getDay();
  const minute = date.getHours() * 60 + date.getMinutes();
  const entry = limits.timetable?.find((one) => holds(one, day, minute));
  return budgetOf(entry ?? limits);
}

function holds({ days, from, to }: TimetableEntry, day: number, minute: number): boolean {
  if (from < to) return days.includes(day) && minute >= from && minute < to;
  // into the next day: the evening of its day, or the morning after
  return (days.includes(day) && minute >= from) || (days.includes((day + 6) % 7) && minute < to);
}

function budgetOf({ bytes, files }: Budget): Budget {
  return { ...(bytes === undefined ? {} : { bytes }), ...(files === undefined ? {} : { files }) };
}

/** Limits out of something that was read. @throws RolloutError USAGE with every fault that they have. */
export function checkLimits(value: unknown, where: string): Limits {
  const faults: string[] = [];
  const limits = record(value, where, ['bytes', 'files', 'timetable'], faults);
  checkBudget(limits, where, faults);
  const { timetable } = limits;
  if (timetable !== undefined && !Array.isArray(timetable)) faults.push(`${where}: timetable must be a list`);
  else
    for (const [index, entry] of (timetable ?? []).entries())
      checkEntry(entry, `${where}: timetable ${index + 1}`, faults);
  if (faults.length > 0) throw new RolloutError('USAGE', faults.join('\n'));
  return value as Limits;
}

function checkEntry(value: unknown, where: string, faults: string[]): void {
  const entry = record(value, where, ['bytes', 'files', 'days', 'from', 'to'], faults);
  checkBudget(entry, where, faults);
  const { days } = entry;
  if (!Array.isArray(days) || days.length === 0 || !days.every((day) => isWhole(day, 0, 6))) {
    faults.push(`${where}: days must be numbers from 0 (Sunday) to 6`);
  }
  for (const time of ['from', 'to']) {
    if (!isWhole(entry[time], 0, MINUTES_OF_A_DAY)) faults.push(`${where}: ${time} must be minutes from 0 to 1440`);
  }
}

function checkBudget(budget: Record<string, unknown>, where: string, faults: string[]): void {
  for (const name of ['bytes', 'files']) {
    if (budget[name] !== undefined && !isWhole(budget[name], 1, Number.MAX_SAFE_INTEGER)) {
      faults.push(`${where}: ${name} must be a whole number of at least 1 per second`);
    }
  }
}

function record(value: unknown, where: string, names: readonly string[], faults: string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.push(`${where}: must be an object`);
    return {};
  }
  for (const name of Object.keys(value)) if (!names.includes(name)) faults.push(`${where}: there is no ${name}`);
  return value as Record<string, unknown>;
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}
