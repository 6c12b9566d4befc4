import type { Change } from '../activities/resource.js';
import {
  canonicalChange,
  canonicalFinding,
  canonicalJson,
  canonicalStep,
  isBound,
  type PlanBody,
} from './plan-identity.js';
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
  const all = [
    ...pairs(approved.steps, now.steps, ({ id }) => id, canonicalStep).map(compareSteps),
    ...pairs(approved.risks, now.risks, ({ guide }) => guide, canonicalJson).map((pair) =>
      compare(pair, ({ guide }) => `risk ${guide}`, canonicalJson, riskWords),
    ),
    ...pairs(boundOf(approved), boundOf(now), ({ id }) => id, canonicalFinding).map((pair) =>
      compare(pair, ({ id }) => `finding ${id}`, canonicalFinding, findingWords),
    ),
  ];
  return together(all);
}

function compareSteps([approved, now]: Pair<PlanStep>): Comparison {
  const where = approved?.id ?? now?.id ?? '';
  const moved = approved?.state === now?.state ? [] : [{ where, approved: stepWords(approved), now: stepWords(now) }];
  const changes = pairs(approved?.changes ?? [], now?.changes ?? [], ({ what }) => what, canonicalChange);
  return together([
    { drift: moved, remarks: [] },
    ...changes.map((pair) => compare(pair, ({ what }) => `${where}: ${what}`, canonicalChange, changeWords)),
  ]);
}

/** One thing in both plans, or in one of them: drift where its forms differ, a remark where only volatile words do. */
function compare<T>(
  [approved, now]: Pair<T>,
  whereOf: (one: T) => string,
  formOf: (one: T) => string,
  wordsOf: (one: T | undefined) => string,
): Comparison {
  const one = approved ?? now;
  if (one === undefined) return { drift: [], remarks: [] };
  const difference = { where: whereOf(one), approved: wordsOf(approved), now: wordsOf(now) };
  const same = approved !== undefined && now !== undefined && formOf(approved) === formOf(now);
  if (!same) return { drift: [difference], remarks: [] };
  return { drift: [], remarks: difference.approved === difference.now ? [] : [difference] };
}

function together(all: readonly Comparison[]): Comparison {
  return { drift: all.flatMap(({ drift }) => drift), remarks: all.flatMap(({ remarks }) => remarks) };
}

function boundOf({ findings = [] }: PlanBody): readonly Finding[] {
  return findings.filter(isBound);
}

function findingWords(one: Finding | undefined): string {
  return one === undefined ? 'no such finding' : `${one.severity}: ${one.is}; ${one.would}; ${one.mend}`;
}

function riskWords(risk: Risk | undefined): string {
  return risk === undefined ? 'no such risk' : `${risk.risk}; ${risk.check}`;
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
