import type { PassResult, VerifyResult } from '../transfer/types.js';
import { countText, durationText, sizeText } from './quantities.js';

const KINDS: Readonly<Record<PassResult['kind'], string>> = {
  seed: 'First copy',
  delta: 'Copy of what has changed',
  final: 'Final copy',
  reverse: 'Way back',
  withdraw: 'Copy taken away again',
};

const READ: Readonly<Record<VerifyResult['read'], string>> = {
  direct: 'read from the share itself',
  'another machine': 'read on a machine that did not write it',
  'through the cache': 'read through this machine’s cache: that it lies on the share is NOT verified',
};

/** Whether a result is one of a copy or of the way back. */
export function isPass(result: PassResult | VerifyResult): result is PassResult {
  return 'kind' in result;
}

/** How a run ended, for people. */
export function resultText(result: PassResult | VerifyResult): string {
  return isPass(result) ? passText(result) : verifyText(result);
}

function passText(result: PassResult): string {
  const {
    kind,
    outcome,
    why,
    seen,
    copied,
    unchanged,
    adopted = 0,
    moved,
    deleted,
    hardLinks,
    skipped,
    times,
    notes,
  } = result;
  const counts = [
    `${countText(copied.files)} of ${countText(seen.files)} files copied (${sizeText(copied.bytes)})`,
    `${countText(unchanged)} unchanged`,
    ...(adopted > 0 ? [`${countText(adopted)} found equal`] : []),
    ...(moved > 0 ? [`${countText(moved)} moved`] : []),
    ...(deleted > 0 ? [`${countText(deleted)} deleted`] : []),
    ...(hardLinks > 0 ? [`${countText(hardLinks)} hard links`] : []),
  ];
  const ended = { done: 'done', held: 'HELD', busy: 'not done: the source was not quiet' }[outcome];
  const list = result.skippedFile === undefined ? '' : `, listed in ${result.skippedFile}`;
  return lines([
    `${KINDS[kind]} ${ended} after ${durationText(result.seconds)}: ${counts.join(', ')}`,
    ...(why === undefined ? [] : [`  ${why}`]),
    `  times at the destination: ${times}`,
    ...notes.map((note) => `  ${note}`),
    ...(skipped === 0 ? [] : [`  ${countText(skipped)} items skipped${list}`]),
    ...(result.skippedHash === undefined ? [] : [`  hash of that list: ${result.skippedHash}`]),
  ]);
}

function verifyText({ outcome, read, checked, different, differencesFile, seconds, seed }: VerifyResult): string {
  const list = differencesFile === undefined ? '' : `, listed in ${differencesFile}`;
  const end = outcome === 'equal' ? 'all as they were copied' : `${countText(different)} DIFFER${list}`;
  const amount = `${countText(checked.files)} files (${sizeText(checked.bytes)})`;
  const sample = seed === undefined ? [] : [`  a sample, chosen by the seed ${seed}`];
  return lines([`${amount} in ${durationText(seconds)}: ${end}`, `  ${READ[read]}`, ...sample]);
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
