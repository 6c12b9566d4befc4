import { RolloutError } from '../cluster/errors.js';

const UNITS = ['', 'K', 'M', 'G', 'T'] as const;

/**
 * A number of bytes as people write it: `1500`, `10M`, `1.5G`, `10 MiB`. Units are powers of 1,024.
 *
 * @throws RolloutError USAGE.
 */
export function parseSize(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?) ?([KMGT]?)(?:I?B)?$/.exec(text.trim().toUpperCase()) ?? [];
  const size = Math.round(Number(digits) * 1_024 ** UNITS.indexOf((unit ?? '') as (typeof UNITS)[number]));
  if (Number.isSafeInteger(size) && size > 0) return size;
  throw new RolloutError('USAGE', `"${text}" is no size: write 1500, 10M or 1.5G`);
}

/** A whole number within bounds. @throws RolloutError USAGE. */
export function parseCount(text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= least && count <= most) return count;
  const bounds = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new RolloutError('USAGE', `"${text}" is no whole number ${bounds}`);
}

/** More than nothing, at most everything; `5`, `0.5`, `5%`. @throws RolloutError USAGE. */
export function parsePercent(text: string): number {
  const percent = Number(/^(\d+(?:\.\d+)?) ?%?$/.exec(text.trim())?.[1]);
  if (percent > 0 && percent <= 100) return percent;
  throw new RolloutError('USAGE', `"${text}" is no percentage: write 5 or 0.5`);
}

/** `1,234,567`. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Three significant digits: `1.40 GiB`. */
export function sizeText(bytes: number): string {
  let unit = 0;
  while (unit < UNITS.length - 1 && bytes / 1_024 ** unit >= 999.5) unit += 1;
  const value = bytes / 1_024 ** unit;
  if (unit === 0) return `${Math.round(value)} B`;
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}iB`;
}

/** `0:07`, `12:34`, `1:02:03`, `3 d 04 h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${countText(days)} d ${two(hours)} h`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}
