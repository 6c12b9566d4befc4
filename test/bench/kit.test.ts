import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { alternate } from '../../bench/harness.js';
import { Report, table } from '../../bench/kit/report.js';
import { figure, median, range } from '../../bench/kit/statistics.js';
import { requireTools } from '../../bench/kit/workspace.js';

describe('the figures of a benchmark', () => {
  it('are medians with three digits that mean something', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect([0, 0.012345, 1.2345, 12.345, 123.45, 12_345.6].map(figure)).toEqual([
      '0',
      '0.0123',
      '1.23',
      '12.3',
      '123',
      '12,346',
    ]);
    expect(figure(NaN)).toBe('–');
    expect(range([1, 3, 2])).toBe('2 (1–3)');
  });
});

describe('a comparison', () => {
  it('begins each round with another contender', async () => {
    const order: string[] = [];
    const contenders = ['a', 'b', 'c'].map((name) => ({
      name,
      run: async (round: number) => {
        order.push(`${name}${round}`);
        return round;
      },
    }));
    const results = await alternate(contenders, 3);
    expect(order.join(' ')).toBe('a0 b0 c0 b1 c1 a1 c2 a2 b2');
    expect([...results]).toEqual([
      ['a', [0, 1, 2]],
      ['b', [0, 1, 2]],
      ['c', [0, 1, 2]],
    ]);
  });
});

describe('a report', () => {
  const target = { what: 'requests', is: 'most', limit: 10 } as const;

  it('passes unless a gate is missed', () => {
    const report = new Report('One', ['About.']);
    report.target({ ...target, value: 12 });
    expect(report.isPassed).toBe(true);
    report.target({ ...target, value: 10, gate: true });
    expect(report.isPassed).toBe(true);
    report.target({ ...target, value: NaN, gate: true });
    expect(report.isPassed).toBe(false);
    expect(report.text()).toContain('| requests | ≤ 10 (gate) | 10 | met |');
    expect(report.text()).toContain('| requests | ≤ 10 | 12 | MISSED |');
  });

  it('takes the place of an earlier one in the document', () => {
    const folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-report-'));
    const file = join(folder, 'benchmarks.md');
    try {
      for (const [title, cell] of [
        ['One', 1],
        ['Two', 2],
        ['One', 3],
      ] as const) {
        const report = new Report(title, ['About.']);
        report.add(table(['head'], [[cell]]));
        report.write(file);
      }
      const text = readFileSync(file, 'utf8');
      expect(text).toMatch(/^# Benchmarks\n/);
      expect(text.match(/^## .*$/gm)).toEqual(['## Two', '## One']);
      expect(text).not.toContain('| 1 |');
      expect(text).toMatch(/\n\n## One\n\nAbout\.\n\n\| head \|\n\| --- \|\n\| 3 \|\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('says which Debian packages are missing', () => {
  requireTools(['sh', process.execPath]);
  const missing = ['no-such-tool', 'no-such-tool', 'sh'];
  expect(() => requireTools(missing)).toThrow('not installed: no-such-tool. As root: apt-get install no-such-tool');
});
