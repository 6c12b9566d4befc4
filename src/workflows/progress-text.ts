import type { BackForecast } from './guide/forecast.js';
import type { CutoverStatus, GateState, Status, StepState } from './status.js';

/** Whether a step is what the rollout is busy with or waits for. */
export function isCurrent(state: StepState): boolean {
  return state.is === 'running' || state.is === 'waiting' || state.is === 'held' || state.is === 'gate';
}

/** A duration of which nobody wants to know the seconds. */
function durationText(seconds: number): string {
  if (seconds < 60) return 'a minute';
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** What a stop is expected to take, and may take. */
function gateFigures({ forecast, budget }: GateState): string {
  return `${forecast === null ? 'not known how long' : `about ${Math.ceil(forecast)} s`}, at most ${budget} s`;
}

/** A state in words. */
export function describeState(state: StepState): string {
  switch (state.is) {
    case 'running':
      return state.expected === undefined ? 'is running' : `is running: about ${durationText(state.expected)} expected`;
    case 'waiting':
      return `waits: ${state.why}`;
    case 'gate':
      return `a stop of the services waits (${gateFigures(state)}): ${state.why}`;
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
export function progressMarkdown({ direction, phase, paused, steps, kept, plan, cutovers = [] }: Status): string {
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
    ...cutoverRows(cutovers),
    ...current,
    ...(kept.length > 0 ? ['', 'Left in place:', ...kept.map((line) => `- ${line}`)] : []),
  ].join('\n');
}

function cutoverRows(cutovers: readonly CutoverStatus[]): string[] {
  if (cutovers.length === 0) return [];
  return [
    '| stop of the services | may take | expected | |',
    '|---|---|---|---|',
    ...cutovers.map((one) => {
      const { stage, budget, forecast } = one;
      return `| ${stage} | ${budget} s | ${forecast === null ? '?' : `${Math.ceil(forecast)} s`} | ${cutoverText(one)} |`;
    }),
    '',
  ];
}

/** What a way back is expected to take: from right after users came back to a day later, and what it is made of. */
function backText(forecast: BackForecast | undefined): string[] {
  if (forecast === undefined) return [];
  const range = ({ least, most }: Pick<BackForecast, 'least' | 'most'>): string =>
    least === null
      ? 'not known'
      : most === least
        ? `${least} s`
        : `${least} s to ${most === null ? 'not known' : `${most} s`}`;
  const parts = forecast.parts.map((part) => `${part.what} ${range(part)}`).join(', ');
  return [`its way back would take about ${range(forecast)}, from at once to a day later (${parts})`];
}

/** Where a stop of the services stands, in words. */
export function cutoverText({ state, seconds, began, deadline, wentBack, back: forecast }: CutoverStatus): string {
  const back = wentBack.map(({ seconds: took, why }) => `went back after ${Math.round(took)} s: ${why}`);
  const time = (at: number | undefined): string => (at === undefined ? '?' : new Date(at).toISOString());
  switch (state) {
    case 'before':
      return ['not yet', ...back, ...backText(forecast)].join('; ');
    case 'closed':
      return `CLOSED since ${time(began)}, goes back by itself at ${time(deadline)}`;
    case 'open':
      return [`open after ${Math.round(seconds ?? 0)} s`, ...back, ...backText(forecast)].join('; ');
  }
}
