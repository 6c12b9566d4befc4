import type { Change } from '../activities/resource.js';
import { canonicalChange, canonicalFinding, canonicalJson, canonicalStep, type PlanBody } from './plan-identity.js';
import type { PlanStep } from './planner.js';
import type { Finding } from './preflight/finding.js';
import type { Risk } from './risks.js';

/** One thing that two plans say differently, in words. */
export interface Difference {
  /** The step or risk, and what of it. */
  readonly where: string;
  readonly approved: string;
  readonly now: string;
}

export interface Comparison {
  /** What the approval does not cover. Empty exactly if both plans have the same canonical form. */
  readonly drift: readonly Difference[];
  /** What has changed by itself, as volatile words do: worth telling, nothing to refuse. */
  readonly remarks: readonly Difference[];
}

/** What both plans have, or only one of them. */
type Pair<T> = readonly [approved: T | undefined, now: T | undefined];

const STATES: Readonly<Record<PlanStep['state'], string>> = {
  change: 'would be changed',
  unchanged: 'is as described',
  verify: 'will be verified',
  proven: 'is proven',
  unknown: 'cannot be looked at',
};

/** Compares what was approved with what would be done now; both are plans of the same cluster file and release. Pure. */
export function comparePlans(approved: PlanBody, now: PlanBody): Comparison {
  const steps = pairs(approved.steps, now.steps, ({ id }) => id, canonicalStep).map(compareSteps);
  const risks = pairs(approved.risks, now.risks, ({ guide }) => guide, canonicalJson).flatMap(compareRisks);
  const [ours = [], theirs = []] = [approved.findings, now.findings];
  const findings = pairs(ours, theirs, ({ id }) => id, canonicalFinding).map(compareFindings);
  return {
    drift: [...steps.flatMap(({ drift }) => drift), ...risks, ...findings.flatMap(({ drift }) => drift)],
    remarks: [...steps, ...findings].flatMap(({ remarks }) => remarks),
  };
}

function compareSteps([approved, now]: Pair<PlanStep>): Comparison {
  const where = approved?.id ?? now?.id ?? '';
  const moved = approved?.state === now?.state ? [] : [{ where, approved: stepWords(approved), now: stepWords(now) }];
  const drift: Difference[] = [...moved];
  const remarks: Difference[] = [];
  const changes = pairs(approved?.changes ?? [], now?.changes ?? [], ({ what }) => what, canonicalChange);
  for (const [before, after] of changes) {
    const difference = {
      where: `${where}: ${before?.what ?? after?.what ?? ''}`,
      approved: changeWords(before),
      now: changeWords(after),
    };
    if (before === undefined || after === undefined || canonicalChange(before) !== canonicalChange(after)) {
      drift.push(difference);
    } else if (difference.approved !== difference.now) {
      remarks.push(difference);
    }
  }
  return { drift, remarks };
}

function compareFindings([approved, now]: Pair<Finding>): Comparison {
  const words = (one: Finding | undefined): string =>
    one === undefined ? 'no such finding' : `${one.severity}: ${one.is}; ${one.would}; ${one.mend}`;
  const where = `finding ${approved?.id ?? now?.id ?? ''}`;
  const difference = { where, approved: words(approved), now: words(now) };
  if (approved === undefined || now === undefined || canonicalFinding(approved) !== canonicalFinding(now)) {
    return { drift: [difference], remarks: [] };
  }
  return { drift: [], remarks: difference.approved === difference.now ? [] : [difference] };
}

function compareRisks([approved, now]: Pair<Risk>): Difference[] {
  if (approved !== undefined && now !== undefined && canonicalJson(approved) === canonicalJson(now)) return [];
  const words = (risk: Risk | undefined): string =>
    risk === undefined ? 'no such risk' : `${risk.risk}; ${risk.check}`;
  return [{ where: `risk ${approved?.guide ?? now?.guide ?? ''}`, approved: words(approved), now: words(now) }];
}

function stepWords(step: PlanStep | undefined): string {
  if (step === undefined) return 'no such step';
  return step.state === 'unknown' ? `${STATES.unknown}: ${step.note}` : STATES[step.state];
}

function changeWords(change: Change | undefined): string {
  return change === undefined ? 'nothing to change' : `${change.before} → ${change.after}`;
}

/** Pairs what has the same key; among several of one key, what has the same form stands at the same place. */
function pairs<T>(
  approved: readonly T[],
  now: readonly T[],
  keyOf: (one: T) => string,
  formOf: (one: T) => string,
): Pair<T>[] {
  const [left, right] = [grouped(approved, keyOf, formOf), grouped(now, keyOf, formOf)];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((key) => {
    const [ours, theirs] = [left.get(key) ?? [], right.get(key) ?? []];
    return Array.from(
      { length: Math.max(ours.length, theirs.length) },
      (_, place) => [ours[place], theirs[place]] as const,
    );
  });
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string, formOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  for (const group of groups.values())
    group.sort((a, b) => (formOf(a) < formOf(b) ? -1 : formOf(a) > formOf(b) ? 1 : 0));
  return groups;
}
