/** What is killed: the agent of the machine on which a step works, the control worker, the Temporal server. */
export const VICTIMS = ['agent', 'control', 'temporal'] as const;
export type Victim = (typeof VICTIMS)[number];

/** When: as the step begins, half way through its longest call, and as that call ends. */
export const MOMENTS = ['start', 'middle', 'end'] as const;
export type Moment = (typeof MOMENTS)[number];

/** One SIGKILL, as the table of the results knows it. */
export interface Kill {
  readonly step: string;
  readonly victim: Victim;
  readonly moment: Moment;
}

/** A step's longest call in an undisturbed run: where, and how long. */
export interface StepTime {
  readonly step: string;
  readonly machine: string;
  readonly activity: string;
  readonly milliseconds: number;
}

export function wordsOf({ step, victim, moment }: Kill): string {
  return `${victim} at the ${moment} of ${step}`;
}

/** Every kill of these steps. A step of the control machine has no agent but the control worker. */
export function killsOf(
  times: readonly StepTime[],
  victims: readonly Victim[] = VICTIMS,
  moments: readonly Moment[] = MOMENTS,
): Kill[] {
  return times.flatMap(({ step, machine }) =>
    victims
      .filter((victim) => victim !== 'agent' || machine !== 'control')
      .flatMap((victim) => moments.map((moment) => ({ step, victim, moment }))),
  );
}
