import color from 'picocolors';

import { ERRORS, type ErrorCode } from '../cluster/errors.js';
import { cutoverText, describeState, isCurrent } from '../workflows/progress-text.js';
import type { HeldMemo, MemoStatus, Status, StepStatus } from '../workflows/status.js';
import { findingsText } from './findings-text.js';

/** One step on one line, as `start` and `watch` print it when its state changes. */
export function stepLine({ machine, title, state }: StepStatus): string {
  const mark = {
    running: color.cyan('…'),
    done: color.green('✓'),
    unchanged: color.dim('='),
    skipped: color.yellow('-'),
    stopped: color.yellow('×'),
    waiting: color.yellow('⏳'),
    held: color.red('■'),
    gate: color.yellow('◆'),
  }[state.is];
  const tells =
    state.is === 'waiting' ||
    state.is === 'held' ||
    state.is === 'gate' ||
    (state.is === 'running' && state.expected !== undefined);
  const words = tells ? `: ${describeState(state)}` : '';
  return `  ${mark} ${machine.padEnd(8)} ${title}${words}`;
}

/** The held steps among all. */
export function heldSteps(steps: readonly StepStatus[]): HeldMemo[] {
  return steps.flatMap(({ id, state }) => (state.is === 'held' ? [{ id, ...state }] : []));
}

/** What an operator may type now about the held steps. */
export function heldAdvice(held: readonly HeldMemo[], file: string): string[] {
  return held.flatMap(({ id, code, why, skippable, approvable = [] }) => [
    '',
    color.bold(`Held: ${id} (${code})`),
    `  what happened: ${why}`,
    `  what is safe:  nothing is lost; what is done stays done; nothing else runs on this step`,
    `  next:          ${ERRORS[code in ERRORS ? (code as ErrorCode) : 'UNEXPECTED'].next}`,
    `  type:          icewarp-rollout retry ${file} --step '${id}'`,
    ...(skippable ? [`                 icewarp-rollout skip ${file} --step '${id}'`] : []),
    ...approvable.map((finding) => `                 icewarp-rollout approve ${file} --finding '${finding}'`),
    `                 icewarp-rollout rollback ${file}`,
    `  more:          icewarp-rollout explain ${code}`,
  ]);
}

/** What an operator may type now about a stop of the services that waits. */
export function gateAdvice(steps: readonly StepStatus[], file: string): string[] {
  return steps.flatMap(({ state }) => {
    if (state.is !== 'gate') return [];
    const { stage, skipped } = state;
    const type = (words: string): string => `                 icewarp-rollout ${words}`;
    const lists = skipped.map(
      ({ what, count, hash }) => `  would be left behind: ${count} items of ${what}, list ${hash}`,
    );
    const words = [
      ...skipped.map(({ hash }) => type(`approve ${file} --skipped ${hash}`)),
      ...(skipped.length === 0 ? [type(`approve ${file}`)] : []),
      type(`cutover now ${file}`),
      type(`cutover at TIME ${file}`),
      type(`reject ${file} --why REASON`),
      type(`rollback ${file}`),
    ];
    const [first = '', ...more] = words;
    const figures = describeState(state);
    return [
      '',
      color.bold(`Stop of the services: ${stage}`),
      `  ${figures}`,
      ...lists,
      `  type:${first.slice(7)}`,
      ...more,
    ];
  });
}

/** What to type while it is paused. */
export function pausedText(file: string): string {
  return `PAUSED after the steps now running: go on with icewarp-rollout resume ${file}`;
}

/** What is said of a rollout that nobody has begun to work on. */
export function queuedText(verb: string, file: string): string {
  return `The ${verb} is queued: it begins by itself when a control worker is there. Start one with: icewarp-rollout worker --control (then: icewarp-rollout watch ${file})`;
}

/** The whole status for people. */
export function statusText(status: Status, file: string): string {
  const { steps, phase, direction, paused, kept, finished, cluster } = status;
  const current = steps.filter(({ state }) => isCurrent(state));
  const where = finished || direction === 'back' ? phase : `rolling out, ${phase}`;
  return [
    `cluster ${color.bold(cluster)}: ${where}${paused ? ', PAUSED' : ''}, ${steps.length - current.length} steps ended`,
    ...current.map(stepLine),
    ...heldAdvice(heldSteps(steps), file),
    ...gateAdvice(steps, file),
    ...cutoverLines(status, file),
    ...preflightLines(status),
    ...actLines(status),
    ...(paused ? ['', pausedText(file)] : []),
    ...(kept.length > 0 ? ['', 'Left in place:', ...kept.map((line) => `  - ${line}`)] : []),
    ...(finished ? [`${status.undoable} steps can be put back with icewarp-rollout rollback ${file}`] : []),
    '',
  ].join('\n');
}

/** What each stop of the services may take and took. */
function cutoverLines({ cutovers = [] }: Status, file: string): string[] {
  if (cutovers.length === 0) return [];
  return [
    '',
    ...cutovers.map((one) => `  stop for ${one.stage}: ${cutoverText(one)}`),
    ...(cutovers.some(({ state }) => state === 'closed')
      ? [`  back before it is open: icewarp-rollout cutover cancel ${file}`]
      : []),
  ];
}

/** Who did what. */
function actLines({ acts = [] }: Status): string[] {
  if (acts.length === 0) return [];
  return ['', ...acts.map(({ at, by, what }) => `  ${new Date(at).toISOString()} ${by}: ${what}`)];
}

/** What the preflight found in the way, and what of it somebody has approved. */
function preflightLines({ findings = [], approved = [] }: Status): string[] {
  const lines = [
    ...findingsText(findings.filter(({ severity }) => severity !== 'tells')),
    ...approved.map(({ finding, by }) => `  approved by ${by}: ${finding}`),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

/** What is known without a control worker. */
export function memoText(memo: MemoStatus, file: string, unanswered?: string): string {
  const { verb, by, direction, phase, paused, done, now, held } = memo;
  if (phase === '') return `${verb} by ${by}. ${queuedText(verb, file)}\n`;
  return [
    `${verb} by ${by}: ${direction === 'back' ? 'going back' : 'rolling out'}, ${phase}${paused ? ', PAUSED' : ''}, ${done} steps ended`,
    ...now.map((line) => `  ${line}`),
    ...held.map(({ id, code, why }) => `  ${id} is HELD (${code}): ${why}`),
    ...heldAdvice(held, file),
    ...(paused ? ['', pausedText(file)] : []),
    '',
    unanswered === undefined ? 'As last told.' : `As last told: ${unanswered} (then: icewarp-rollout status ${file})`,
    '',
  ].join('\n');
}
