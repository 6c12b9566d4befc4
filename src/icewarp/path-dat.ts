import { RolloutError } from '../cluster/errors.js';

/**
 * The local file in the installation folder with what differs from node to node when the settings are shared. Its
 * meaning is by line number; a missing line is an empty one, an empty one means "default".
 */
export type PathDat = readonly string[];

/** Line numbers, from 1, and what they are for. */
export const LINE = {
  config: 1,
  serverId: 4,
  remoteLogon: 5,
  spam: 6,
  calendar: 7,
  outgoing: 8,
  retry: 9,
  addresses: 10,
  host: 11,
  licence: 12,
  incoming: 13,
  slave: 14,
  master: 15,
  slaves: 16,
} as const;

const TITLES: Readonly<Record<number, string>> = {
  1: 'configuration folder',
  2: 'html folder',
  4: 'server ID',
  5: 'remote logon',
  6: 'antispam folder',
  7: 'GroupWare folder',
  8: 'outgoing queue',
  9: 'retry queue',
  10: 'IP binding',
  11: 'host name',
  12: 'licence file',
  13: 'incoming queue',
  14: 'slave flag',
  15: 'master host',
  16: 'slave hosts',
};

/** Reads the lines. The console writes CRLF, so a carriage return before the line's end is none of the content. */
export function parsePathDat(text: string): PathDat {
  if (text === '') return [];
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

/** Prints the lines for Linux, each with its line feed. */
export function printPathDat(lines: PathDat): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** The content of a line, by its number from 1. */
export function lineOf(lines: PathDat, number: number): string {
  return lines[number - 1] ?? '';
}

/**
 * The lines with some of them replaced; all others keep what they hold.
 *
 * @throws RolloutError SECRET_UNUSABLE when what is to be written would become more than one line; schema and secrets
 * refuse it before.
 */
export function withLines(lines: PathDat, changes: Readonly<Record<number, string>>): PathDat {
  if (Object.values(changes).some((line) => /[\r\n\0]/.test(line))) {
    throw new RolloutError('SECRET_UNUSABLE', 'a line of path.dat cannot hold a line break');
  }
  const length = Math.max(lines.length, ...Object.keys(changes).map(Number));
  return Array.from({ length }, (_, index) => changes[index + 1] ?? lines[index] ?? '');
}

/** How a line is called in a plan. */
export function titleOf(number: number): string {
  const title = TITLES[number];
  return title === undefined ? `path.dat line ${number}` : `path.dat line ${number} (${title})`;
}
