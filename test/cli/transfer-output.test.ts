import { describe, expect, it } from '@jest/globals';

import { TransferOutput } from '../../src/cli/transfer-output.js';
import type { Progress } from '../../src/transfer/types.js';

function progressOf(files: number, more: Partial<Progress> = {}): Progress {
  const amount = { files, bytes: files };
  const rest = { skipped: 0, deleted: 0, moved: 0 };
  return { phase: 'walk and copy', seen: amount, durable: amount, copied: amount, ...rest, ...more };
}

/** An output on a terminal, or on a file, whose time only the test moves. */
function outputOn(isTTY: boolean): { output: TransferOutput; written: string[]; wait: (milliseconds: number) => void } {
  const written: string[] = [];
  let now = 0;
  const screen = { isTTY, columns: 80, write: (text: string) => written.push(text) };
  const output = new TransferOutput('durable', false, screen, () => now);
  return { output, written, wait: (milliseconds) => (now += milliseconds) };
}

describe('the output of a transfer', () => {
  it('is one line that changes on a terminal, and is gone before anything else is written', () => {
    const { output, written, wait } = outputOn(true);
    for (const files of [1_000, 2_000, 1]) {
      output.progress(progressOf(files));
      wait(1_000);
    }
    output.say('waits', 'something else');
    output.say('waits', 'and more');
    expect(written).toHaveLength(6);
    for (const line of written.slice(0, 3)) expect(line).toMatch(/^\r[\d,]+ files {2}/);
    for (const line of written.slice(0, 3)) expect(line).toHaveLength(80);
    expect(written.slice(3)).toEqual([`\r${' '.repeat(79)}\r`, 'something else\n', 'and more\n']);
    expect(written.join('')).not.toContain('\u001b');
  });

  it('is a line every ten seconds where nobody sees it change, and when something else begins', () => {
    const { output, written, wait } = outputOn(false);
    for (let second = 0; second < 25; second += 1) {
      output.progress(progressOf(second));
      wait(1_000);
    }
    expect(written.map((line) => line.split(' ')[0])).toEqual(['0', '10', '20']);
    output.progress(progressOf(25, { waits: 'no room at the destination' }));
    output.progress(progressOf(26, { waits: 'no room at the destination' }));
    output.progress(progressOf(27, { phase: 'deletions' }));
    expect(written.slice(3)).toEqual([
      '25 files  25 B  waits: no room at the destination\n',
      expect.stringMatching(/^deletions: {2}27 files/),
    ]);
  });
});
