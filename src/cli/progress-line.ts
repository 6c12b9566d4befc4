import type { Amount, Progress } from '../transfer/types.js';
import { countText, durationText, sizeText } from './quantities.js';

/** Milliseconds that a rate is the mean of: long enough to be calm, short enough to show a change. */
const WINDOW = 30_000;

/** What counts as done: what is at the destination, for passes that fill it; what was looked at, for all others. */
export type Basis = 'durable' | 'seen';

interface Sample {
  readonly at: number;
  readonly done: Amount;
  readonly copied: Amount;
}

/** What the counters of a run come to. */
export interface Reading {
  readonly done: Amount;
  readonly total?: Amount;
  /** 0 to 100; never less than before. */
  readonly percent?: number;
  /** Copied per second. */
  readonly rate: Amount;
  /** Seconds until everything is done, if it goes on as in the last half minute. */
  readonly left?: number;
}

/** Makes rates, a percentage and a forecast of a run's counters. */
export class Meter {
  readonly #samples: Sample[] = [];
  #percent = 0;

  constructor(private readonly basis: Basis) {}

  /** @param at milliseconds by any clock. */
  read(progress: Progress, at: number): Reading {
    const done = progress[this.basis];
    this.#samples.push({ at, done, copied: progress.copied });
    while ((this.#samples[1]?.at ?? at) < at - WINDOW) this.#samples.shift();
    const first = this.#samples[0] ?? { at, done, copied: progress.copied };
    const seconds = (at - first.at) / 1_000;
    const rate = perSecond(first.copied, progress.copied, seconds);
    const { total } = progress;
    if (total === undefined) return { done, rate };
    this.#percent = Math.max(this.#percent, percentOf(done, total));
    const left = secondsLeft(done, total, perSecond(first.done, done, seconds));
    return { done, total, percent: this.#percent, rate, ...(left === undefined ? {} : { left }) };
  }
}

function perSecond(from: Amount, to: Amount, seconds: number): Amount {
  if (seconds <= 0) return { files: 0, bytes: 0 };
  return { files: (to.files - from.files) / seconds, bytes: (to.bytes - from.bytes) / seconds };
}

/** By files or by bytes, whichever is further from done: small files take as long as large ones, and large ones longer. */
function percentOf(done: Amount, total: Amount): number {
  const share = (part: number, whole: number): number => (whole <= 0 ? 1 : Math.min(1, part / whole));
  return Math.floor(100 * Math.min(share(done.files, total.files), share(done.bytes, total.bytes)));
}

function secondsLeft(done: Amount, total: Amount, rate: Amount): number | undefined {
  const one = (left: number, speed: number): number => (left <= 0 ? 0 : left / speed);
  const left = Math.max(one(total.files - done.files, rate.files), one(total.bytes - done.bytes, rate.bytes));
  return Number.isFinite(left) ? left : undefined;
}

/** One line about a run, no longer than a terminal is wide: what matters least is left out first. */
export function progressLine(progress: Progress, reading: Reading, columns: number): string {
  const { done, total, percent, rate, left } = reading;
  const { phase, waits, skipped } = progress;
  const files = total === undefined ? countText(done.files) : `${countText(done.files)} of ${countText(total.files)}`;
  const bytes = total === undefined ? sizeText(done.bytes) : `${sizeText(done.bytes)} of ${sizeText(total.bytes)}`;
  /** In the order in which they are shown; the greater the number, the sooner it is left out. */
  const parts: [text: string, expendable: number][] = [
    [phase === 'walk and copy' ? '' : `${phase}:`, 3],
    [`${files} files`, 1],
    [bytes, 5],
    [percent === undefined ? '' : `${percent} %`, 0],
    [waits === undefined ? `${sizeText(rate.bytes)}/s` : '', 4],
    [waits === undefined ? `${countText(rate.files)} files/s` : '', 6],
    [skipped === 0 ? '' : `${countText(skipped)} skipped`, 2],
    [waits === undefined ? (left === undefined ? '' : `ETA ${durationText(left)}`) : `waits: ${waits}`, 0],
  ];
  for (let keep = 6; keep > 0; keep -= 1) {
    const line = joined(parts.filter(([, expendable]) => expendable <= keep));
    if (line.length <= columns) return line;
  }
  return joined(parts.filter(([, expendable]) => expendable === 0)).slice(0, Math.max(0, columns));
}

function joined(parts: readonly (readonly [string, number])[]): string {
  return parts
    .map(([text]) => text)
    .filter((text) => text !== '')
    .join('  ');
}
