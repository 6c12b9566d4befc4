import { describe, expect, it } from '@jest/globals';

import { CATALOGUE } from '../../src/workflows/preflight/catalogue.js';
import { readText } from './repository.js';

describe('the document about the preflight', () => {
  it('explains every finding once and in the catalogue’s order, with its severity, its requirements and how to mend it', () => {
    const rows = readText('docs/preflight.md')
      .split('\n')
      .flatMap((line) => {
        const [, pattern = '', ...cells] = line.split('|').map((cell) => cell.trim());
        return /^`[^`]+`$/.test(pattern) ? [[pattern.slice(1, -1), cells.slice(0, 5)] as const] : [];
      });
    const known = Object.values(CATALOGUE).map(({ pattern, severity, approvable, guide, would, mend }) => [
      pattern,
      [approvable ? `${severity}; approvable` : severity, guide, would, mend, ''],
    ]);
    expect(rows).toEqual(known);
  });
});
