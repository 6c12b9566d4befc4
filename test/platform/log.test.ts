import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { RolloutError } from '../../src/cluster/errors.js';
import { createLog } from '../../src/platform/log.js';
import { runCommand } from '../../src/platform/run.js';

const SECRET = 'tr0ub4dor "&" 3';
const redact = (text: string): string =>
  text.replaceAll(SECRET, '[secret]').replaceAll(JSON.stringify(SECRET).slice(1, -1), '[secret]');

let lines: string[];

beforeEach(() => {
  lines = [];
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** The one line that an event leaves. */
function lineOf(event: string, detail?: unknown): string {
  createLog('A', redact)(event, detail);
  expect(lines).toHaveLength(1);
  return lines[0] ?? '';
}

describe('the log', () => {
  it('writes one line of JSON per event, with time and machine', () => {
    const line = lineOf('ready', { queue: 'lab' });
    expect(line.indexOf('\n')).toBe(line.length - 1);
    const { at, ...rest } = JSON.parse(line) as Record<string, unknown>;
    expect(rest).toEqual({ machine: 'A', event: 'ready', detail: { queue: 'lab' } });
    expect(Date.parse(String(at))).toBeGreaterThan(0);
  });

  it('leaves the detail out where there is none', () => {
    expect(JSON.parse(lineOf('ready'))).not.toHaveProperty('detail');
  });

  it('takes secrets out of everything it writes', () => {
    const cause = Object.assign(new Error(`line 1\nwith ${SECRET}`), { stdout: SECRET, stderr: SECRET });
    const error = new RolloutError('UNEXPECTED', SECRET, { cause });
    const line = lineOf(`event ${SECRET}`, { error, list: [SECRET], [SECRET]: { deep: SECRET } });
    expect(line).not.toContain('tr0ub4dor');
    expect(line).toContain('[secret]');
    expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('redacts before it shortens: no half of a secret stands at the cut', () => {
    const text = 'x'.repeat(1_990) + SECRET + 'y'.repeat(100);
    const line = lineOf('long', { text, error: new Error(text), output: { stdout: text } });
    expect(line).not.toContain('tr0ub4');
    expect(line).not.toContain('yyy');
  });

  it('shortens what is long, and what is deep or circular', () => {
    const error: Error = new Error('circular');
    error.cause = error;
    const line = lineOf('long', { error, list: Array.from({ length: 1_000 }, () => 'z'.repeat(3_000)) });
    expect(line).toContain('…');
    expect(line.length).toBeLessThan(60_000);
  });

  it('holds what a failed command printed, and none of its arguments', async () => {
    const error: unknown = await runCommand('sh', ['-c', 'echo why >&2; exit 5', 'an-argument']).catch(
      (failure: unknown) => failure,
    );
    const line = lineOf('activity failed', { error });
    expect(JSON.parse(line)).toMatchObject({
      detail: { error: { code: 'COMMAND_FAILED', cause: { exitCode: 5, stderr: 'why' } } },
    });
    expect(line).not.toContain('an-argument');
    expect(line).not.toContain('exit 5');
  });
});
