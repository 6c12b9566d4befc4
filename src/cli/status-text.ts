import color from 'picocolors';

import { describeState } from '../workflows/progress-text.js';
import type { MemoStatus, Status, StepStatus } from '../workflows/status.js';

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
  }[state.is];
  const words = state.is === 'waiting' || state.is === 'held' ? `: ${describeState(state)}` : '';
  return `  ${mark} ${machine.padEnd(8)} ${title}${words}`;
}

/** What an operator may type now about the held steps. */
export function heldAdvice(steps: readonly StepStatus[], file: string): string[] {
  return steps.flatMap(({ id, state }) => {
    if (state.is !== 'held') return [];
    return [
      '',
      color.bold(`Held: ${id} (${state.code})`),
      `  what happened: ${state.why}`,
      `  what is safe:  nothing is lost; what is done stays done; nothing else runs on this step`,
      `  next:          ${state.next}`,
      `  type:          icewarp-rollout retry ${file} --step '${id}'`,
      ...(state.skippable ? [`                 icewarp-rollout skip ${file} --step '${id}'`] : []),
      `                 icewarp-rollout rollback ${file}`,
    ];
  });
}

/** The whole status for people. */
export function statusText(status: Status, file: string): string {
  const { steps, phase, direction, paused, kept, finished, cluster } = status;
  const ended = steps.filter(({ state }) => !['running', 'waiting', 'held'].includes(state.is)).length;
  const current = steps.filter(({ state }) => ['running', 'waiting', 'held'].includes(state.is));
  const where = finished || direction === 'back' ? phase : `rolling out, ${phase}`;
  return [
    `cluster ${color.bold(cluster)}: ${where}${paused ? ', PAUSED' : ''}, ${ended} steps ended`,
    ...current.map(stepLine),
    ...heldAdvice(steps, file),
    ...(paused ? ['', `paused: go on with icewarp-rollout resume ${file}`] : []),
    ...(kept.length > 0 ? ['', 'Left in place:', ...kept.map((line) => `  - ${line}`)] : []),
    ...(finished ? [`${status.undoable} steps can be put back with icewarp-rollout rollback ${file}`] : []),
    '',
  ].join('\n');
}

/** What is known without a control worker. */
export function memoText(memo: MemoStatus, file: string): string {
  return [
    `${memo.verb} by ${memo.by}: ${memo.direction === 'back' ? 'going back' : 'rolling out'}, ${memo.phase}${memo.paused ? ', PAUSED' : ''}, ${memo.done} steps ended`,
    ...memo.now.map((line) => `  ${line}`),
    `As last told: no control worker answers. Start it with: icewarp-rollout worker --control (then: icewarp-rollout status ${file})`,
    '',
  ].join('\n');
}
