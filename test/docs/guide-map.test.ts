import { describe, expect, it } from '@jest/globals';

import { procedures, resources } from '../../src/activities/registry.js';
import { isThere, readText } from './repository.js';

interface Row {
  readonly id: string;
  readonly step: string;
  readonly file: string;
  readonly test: string;
}

/** Every requirement of the guide and beyond it. */
const IDS = [...numbered('G', 26), ...numbered('B', 13)];
const STEPS = new Set([...Object.keys(resources), ...Object.keys(procedures), 'rule']);
const NOT_YET = '**not yet:**';

const rows = rowsOf(readText('docs/guide-map.md'));

describe('the guide map', () => {
  it('lists every requirement exactly once, in order', () => {
    expect(rows.map(({ id }) => id)).toEqual(IDS);
  });

  it('says of every requirement where it is done, or that it is not yet', () => {
    const silent = rows.filter(
      ({ step, file, test }) => !step.includes(NOT_YET) && (quoted(file).length === 0 || testsIn(test).length === 0),
    );
    expect(silent).toEqual([]);
  });

  it('names a step, a file and a test for everything that is done in part', () => {
    const half = rows.filter(({ step, file, test }) => {
      const begun = !step.startsWith(NOT_YET);
      return begun !== quoted(file).length > 0 || begun !== testsIn(test).length > 0;
    });
    expect(half).toEqual([]);
  });

  it('names only steps that the product has', () => {
    const steps = rows.flatMap(({ step }) => quoted(step.split(NOT_YET)[0] ?? ''));
    expect(steps.filter((step) => !STEPS.has(step))).toEqual([]);
  });

  it('mentions every step that the product has', () => {
    const named = new Set(rows.flatMap(({ step }) => quoted(step)));
    expect([...STEPS].filter((step) => !named.has(step))).toEqual([]);
  });

  it('names only files that exist', () => {
    expect(rows.flatMap(({ file }) => quoted(file)).filter((file) => !isThere(file))).toEqual([]);
  });

  it('names only tests that exist', () => {
    const missing = rows.flatMap(({ id, test }) =>
      testsIn(test)
        .filter(({ path, name }) => !isThere(path) || !hasTest(readText(path), name))
        .map(({ path, name }) => `${id}: ${path} › ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('has no test column that cannot be read', () => {
    const unread = rows.filter(({ test }) => test !== '–' && testsIn(test).length !== test.split('<br>').length);
    expect(unread).toEqual([]);
  });
});

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
}

function rowsOf(markdown: string): Row[] {
  return markdown.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, id = '', , step = '', file = '', test = ''] = cells;
    if (!/^[GB]\d+$/.test(id)) return [];
    expect({ id, cells: cells.length }).toEqual({ id, cells: 7 });
    return [{ id, step, file, test }];
  });
}

/** What stands in backquotes. */
function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

function testsIn(cell: string): { path: string; name: string }[] {
  return [...cell.matchAll(/`([^`]+)` › "([^"]+)"/g)].map(([, path = '', name = '']) => ({ path, name }));
}

/** Whether a test file has a test or group with that text in its name. */
function hasTest(source: string, name: string): boolean {
  const names = [...source.matchAll(/\b(?:it|describe)(?:\.each[\s\S]*?\))?\(\s*'((?:[^'\\\n]|\\.)*)'/g)];
  return names.some(([, text = '']) => text.includes(name));
}
