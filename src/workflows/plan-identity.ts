import type { Change } from '../activities/resource.js';
import type { ClusterFile } from '../cluster/schema.js';
import type { Plan, PlanStep } from './planner.js';
import type { Finding } from './preflight/finding.js';

/** Raised whenever the canonical form changes its meaning: a plan of another form is none that can be compared. */
export const PLAN_FORMAT = 1;

/** What of a plan is compared with another one. */
export type PlanBody = Pick<Plan, 'version' | 'steps' | 'risks' | 'findings'>;

/** JSON whose text depends only on what it says: keys in the order of their code units, nothing between the words. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

/**
 * What an approval of a plan binds, as text to be hashed: the cluster file as it is understood, the release, what each
 * step would do, the risks, what the preflight found. Left out is what differs between two looks at the same machines:
 * volatile words, notes, expected durations, and the order in which the answers came. Pure.
 */
export function canonicalPlan(cluster: ClusterFile, { version, steps, risks, findings = [] }: PlanBody): string {
  const bound = findings.filter(isBound);
  return canonicalJson({
    format: PLAN_FORMAT,
    version,
    cluster,
    steps: steps.map(canonicalStep).sort(),
    risks: risks.map(canonicalJson).sort(),
    // a plan without findings is named as before there were any
    ...(bound.length === 0 ? {} : { findings: bound.map(canonicalFinding).sort() }),
  });
}

/** What is only worth knowing and comes and goes by itself, such as a TTL that counts down, binds nobody. */
export function isBound({ severity, volatile }: Finding): boolean {
  return severity !== 'tells' || volatile !== true;
}

/** What is bound of one step. */
export function canonicalStep({ id, state, changes }: PlanStep): string {
  return canonicalJson({ id, state, changes: changes.map(canonicalChange).sort() });
}

/** What is bound of one finding, by a plan and by an operator's approval: what is volatile only as being so. */
export function canonicalFinding({ is, ...rest }: Finding): string {
  return canonicalJson({ ...rest, is: rest.volatile === true ? null : is });
}

/** What is bound of one change: volatile words only as being volatile. */
export function canonicalChange({ what, before, after, volatile = [] }: Change): string {
  return canonicalJson({
    what,
    before: volatile.includes('before') ? null : before,
    after: volatile.includes('after') ? null : after,
  });
}
