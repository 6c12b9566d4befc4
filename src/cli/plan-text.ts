import color from 'picocolors';

import type { Difference } from '../workflows/plan-difference.js';
import type { Plan, PlanStep } from '../workflows/planner.js';
import { findingsText } from './findings-text.js';

const MARKS: Readonly<Record<PlanStep['state'], string>> = {
  change: color.yellow('~'),
  unchanged: color.green('='),
  verify: color.cyan('?'),
  proven: color.green('✓'),
  unknown: color.red('!'),
};

/** What a plan comes to. */
export interface PlanSummary {
  readonly changes: number;
  readonly unchanged: number;
  readonly verifications: number;
  readonly unknown: number;
  readonly seconds: number;
}

export function summarise({ steps }: Plan): PlanSummary {
  const count = (...states: PlanStep['state'][]): number => steps.filter(({ state }) => states.includes(state)).length;
  return {
    changes: count('change'),
    unchanged: count('unchanged'),
    verifications: count('verify', 'proven'),
    unknown: count('unknown'),
    seconds: steps.reduce((sum, { state, seconds }) => sum + (state === 'change' ? seconds : 0), 0),
  };
}

/** The plan for people: where, before → after, undo, expected duration; with `all` also what is as described. */
export function planText(plan: Plan, { all = false }: { all?: boolean } = {}): string {
  const summary = summarise(plan);
  if (!all && summary.changes === 0 && summary.unknown === 0) return `${summaryLine(summary)}\n`;
  const phases = [...new Set(plan.steps.map(({ phase }) => phase))];
  const blocks = phases.flatMap((phase) => {
    const steps = plan.steps.filter((step) => step.phase === phase && (all || step.state !== 'unchanged'));
    return steps.length === 0 ? [] : [color.bold(phase), ...steps.flatMap(stepLines), ''];
  });
  return [...findingsText(plan.findings ?? []), ...blocks, ...riskLines(plan.risks), summaryLine(summary), ''].join(
    '\n',
  );
}

/** How a plan is named wherever one is approved, shown or carried out. */
export function hashLine(hash: string): string {
  return `Hash of this plan: ${hash}`;
}

/** What an approval does not cover, under a heading. */
export function driftText(drift: readonly Difference[]): string {
  return [color.bold('Not as in the saved plan'), ...drift.flatMap(differenceLines)].join('\n');
}

/** What has changed by itself since a plan was saved, under a heading. */
export function remarksText(remarks: readonly Difference[]): string {
  return [color.bold('Changed by itself since the plan was saved'), ...remarks.flatMap(differenceLines)].join('\n');
}

function differenceLines({ where, approved, now }: Difference): string[] {
  return [`  ${where}`, `    saved: ${approved}`, `    now:   ${now}`];
}

function riskLines(risks: Plan['risks']): string[] {
  if (risks.length === 0) return [];
  return [
    color.bold('Risks that stay with you'),
    ...risks.flatMap(({ guide, risk, check }) => [
      `  ${color.yellow('▲')} ${risk} ${color.dim(`[${guide}]`)}`,
      `    check: ${check}`,
    ]),
    '',
  ];
}

function stepLines({ state, machine, title, guide, changes, undo, seconds, note }: PlanStep): string[] {
  const lines = [`  ${MARKS[state]} ${machine.padEnd(8)} ${title} ${color.dim(`[${guide}]`)}`];
  const indent = ' '.repeat(13);
  for (const { what, before, after } of changes) lines.push(`${indent}${what}: ${before} → ${after}`);
  if (note !== '') lines.push(`${indent}${state === 'unknown' ? color.red(note) : color.dim(note)}`);
  if (state === 'change') lines.push(color.dim(`${indent}undo: ${undo}; about ${seconds} s`));
  return lines;
}

function summaryLine({ changes, unchanged, verifications, unknown, seconds }: PlanSummary): string {
  if (changes === 0 && unknown === 0) return `Nothing to do: ${unchanged} steps are as described.`;
  const parts = [
    `${changes} to change`,
    `${unchanged} as described`,
    `${verifications} to verify`,
    ...(unknown > 0 ? [color.red(`${unknown} that cannot be looked at`)] : []),
  ];
  return `Plan: ${parts.join(', ')}; about ${Math.ceil(seconds / 60)} min. Nothing has been changed.`;
}
