import { BALANCER_FINDINGS } from './catalogue/balancer.js';
import { BETWEEN_FINDINGS } from './catalogue/between.js';
import { CLOSING_FINDINGS } from './catalogue/closing.js';
import { DATABASE_FINDINGS } from './catalogue/database.js';
import { DIALECT_FINDINGS } from './catalogue/dialect.js';
import type { KindOfFinding } from './catalogue/kind.js';
import { NODE_FINDINGS } from './catalogue/nodes.js';
import { OUTSIDE_FINDINGS } from './catalogue/outside.js';
import { STATE_FINDINGS } from './catalogue/state.js';

export type { KindOfFinding } from './catalogue/kind.js';

/** Every kind of finding that a preflight knows; docs/preflight.md lists them all, in this order. */
export const CATALOGUE = {
  ...NODE_FINDINGS,
  ...BETWEEN_FINDINGS,
  ...DATABASE_FINDINGS,
  ...DIALECT_FINDINGS,
  ...STATE_FINDINGS,
  ...CLOSING_FINDINGS,
  ...BALANCER_FINDINGS,
  ...OUTSIDE_FINDINGS,
} as const satisfies Record<string, KindOfFinding>;

export type FindingKind = keyof typeof CATALOGUE;
