import type { Status, StepState } from './status.js';

/** Whether a step is what the rollout is busy with or waits for. */
export function isCurrent(state: StepState): boolean {
  return state.is === 'running' || state.is === 'waiting' || state.is === 'held';
}

/** A duration of which nobody wants to know the seconds. */
function durationText(seconds: number): string {
  if (seconds < 60) return 'a minute';
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** A state in words. */
export function describeState(state: StepState): string {
  switch (state.is) {
    case 'running':
      return state.expected === undefined ? 'is running' : `is running: about ${durationText(state.expected)} expected`;
    case 'waiting':
      return `waits: ${state.why}`;
    case 'held':
      return `is HELD (${state.code}): ${state.why}`;
    case 'done':
    case 'unchanged':
    case 'skipped':
    case 'stopped':
      return state.is;
  }
}

/** The rollout's story for the Web UI's details: phases, what is under way, what to type. Pure. */
export function progressMarkdown({ direction, phase, paused, steps, kept, plan }: Status): string {
  const phases = [...new Set(steps.map((step) => step.phase))];
  const rows = phases.map((name) => {
    const inPhase = steps.filter((step) => step.phase === name);
    const ended = inPhase.filter(({ state }) => !isCurrent(state)).length;
    return `| ${name} | ${ended} of ${inPhase.length} |`;
  });
  const current = steps
    .filter(({ state }) => isCurrent(state))
    .flatMap(({ title, machine, state }) => [
      `- **${machine}**: ${title} — ${describeState(state)}`,
      ...(state.is === 'held' ? [`  - next: ${state.next}`] : []),
    ]);
  return [
    `**${direction === 'back' ? 'Going back' : 'Rolling out'}: ${phase}**${paused ? ' (paused)' : ''}`,
    '',
    ...(plan === undefined ? [] : [`Plan agreed to: \`${plan}\``, '']),
    '| phase | steps ended |',
    '|---|---|',
    ...rows,
    '',
    ...current,
    ...(kept.length > 0 ? ['', 'Left in place:', ...kept.map((line) => `- ${line}`)] : []),
  ].join('\n');
}
