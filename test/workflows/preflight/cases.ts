import { expect } from '@jest/globals';

import { CATALOGUE, type FindingKind } from '../../../src/workflows/preflight/catalogue.js';
import type { Finding } from '../../../src/workflows/preflight/finding.js';

/** A kind of finding, the id of one, and the judge of facts in which only that is wrong. */
export type Case = readonly [FindingKind, string, () => readonly Finding[]];

export const idsOf = (findings: readonly Finding[]): string[] => findings.map(({ id }) => id);

/** One finding and no other, in the catalogue's words; of what is, those `words` at least. */
export function expectOnly(kind: FindingKind, id: string, findings: readonly Finding[], words = ''): void {
  expect(idsOf(findings)).toEqual([id]);
  expect(id).toMatch(/^[A-Za-z0-9_./-]+$/);
  const { pattern: _, ...said } = CATALOGUE[kind];
  expect(findings[0]).toMatchObject({ ...said, machine: id.split('/')[0] });
  expect(findings[0]?.is).toContain(words);
  expect(findings[0]?.is).not.toBe('');
}
