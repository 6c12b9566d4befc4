import { parse } from 'yaml';

import { RolloutError } from '../cluster/errors.js';
import type { Limits, TimetableEntry } from '../transfer/types.js';
import { NotTaken, readAtMost } from './bounded-file.js';
import { parseCount, parseSize } from './quantities.js';

/** Bytes: a week has few hours. */
const LONGEST = 100_000;
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const KEYS = ['days', 'from', 'to', 'bytes', 'files'];

/**
 * A weekly timetable, in YAML or JSON: a list of entries with `days` (`mon-fri`, `sat, sun`), `from`, `to` (`07:00`,
 * 24 hours, local time; `to` before `from` is on the next day), `bytes` (`10M`) and `files` per second.
 *
 * @throws RolloutError USAGE naming file and entry.
 */
export async function readTimetable(file: string): Promise<NonNullable<Limits['timetable']>> {
  const value = await read(file);
  if (!Array.isArray(value)) throw new RolloutError('USAGE', `${file}: a timetable is a list of entries`);
  return value.map((entry, index) => {
    try {
      return entryOf(entry as unknown);
    } catch (error) {
      if (!(error instanceof RolloutError)) throw error;
      throw new RolloutError('USAGE', `${file}: entry ${index + 1}: ${error.message}`);
    }
  });
}

async function read(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readAtMost(file, LONGEST);
  } catch (error) {
    if (error instanceof NotTaken) throw new RolloutError('USAGE', `${file} ${error.message}`);
    throw error;
  }
  try {
    return parse(text) as unknown;
  } catch {
    throw new RolloutError('USAGE', `${file} is neither YAML nor JSON`);
  }
}

function entryOf(value: unknown): TimetableEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw usage('it needs days, from and to');
  const entry = value as Record<string, unknown>;
  for (const key of Object.keys(entry)) if (!KEYS.includes(key)) throw usage(`there is no ${key}`);
  const { days, from, to, bytes, files } = entry;
  return {
    days: daysOf(days),
    from: minuteOf(from),
    to: minuteOf(to),
    ...(bytes === undefined ? {} : { bytes: parseSize(textOf(bytes)) }),
    ...(files === undefined ? {} : { files: parseCount(textOf(files), 1) }),
  };
}

/** `mon-fri`, `sat, sun`, or a list of such texts; a range may run over the end of the week. */
function daysOf(value: unknown): number[] {
  const texts = Array.isArray(value) ? value.map(textOf) : textOf(value).split(',');
  const days = texts.flatMap((text) => {
    const [first = -1, last = first] = text
      .trim()
      .toLowerCase()
      .split('-')
      .map((name) => DAYS.indexOf(name.slice(0, 3)));
    if (first < 0 || last < 0) throw usage(`"${text.trim()}" is no day: write mon, tue, … or mon-fri`);
    return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, index) => (first + index) % 7);
  });
  return [...new Set(days)].sort();
}

function minuteOf(value: unknown): number {
  // YAML 1.1 readers make 07:00 a number of base 60; ours leaves it a text
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(textOf(value)) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) < 60 && minute <= 1_440) return minute;
  throw usage(`"${textOf(value)}" is no time: write 07:00`);
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function usage(message: string): RolloutError {
  return new RolloutError('USAGE', message);
}

/** `mon-fri 07:00-19:00`. */
export function hoursText({ days, from, to }: TimetableEntry): string {
  const time = (minute: number): string =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  const names = days.map((day) => DAYS[day] ?? '').join(',');
  return `${names} ${time(from)}-${time(to)}`;
}
