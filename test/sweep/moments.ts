import type { Happening } from './history.js';
import type { Moment, StepTime } from './kill.js';

/** Parts of a step's longest call after which its middle and its end are reached. */
const MIDDLE = 0.5;
const END = 0.95;

/** Tells the moments of steps from what happens in history and from the times of an undisturbed run. */
export class Moments {
  readonly #begun = new Set<string>();
  readonly #timers = new Map<string, { readonly at: NodeJS.Timeout[]; ended: boolean }>();

  constructor(
    private readonly times: ReadonlyMap<string, StepTime>,
    private readonly tell: (step: string, moment: Moment) => void,
  ) {}

  see({ step, activity, machine, is, at }: Happening): void {
    const time = this.times.get(step);
    if (time === undefined) return;
    if (!this.#begun.has(step)) {
      this.#begun.add(step);
      this.tell(step, 'start');
    }
    if (activity !== time.activity || machine !== time.machine) return;
    if (is === 'scheduled') this.#longestBegins(time, at);
    else this.#longestEnds(step);
  }

  /** What is still to be told never will be. */
  stop(): void {
    for (const { at } of this.#timers.values()) at.forEach(clearTimeout);
  }

  #longestBegins({ step, milliseconds }: StepTime, at: number): void {
    // a later try of the same call is no new step
    if (this.#timers.has(step)) return;
    const in_ = (part: number): number => Math.max(0, milliseconds * part - (Date.now() - at));
    this.#timers.set(step, {
      ended: false,
      at: [
        setTimeout(() => this.tell(step, 'middle'), in_(MIDDLE)),
        setTimeout(() => this.#longestEnds(step), in_(END)),
      ],
    });
  }

  /** By the clock, or because it was quicker this time: then its middle is over, untold. */
  #longestEnds(step: string): void {
    const timers = this.#timers.get(step);
    if (timers === undefined || timers.ended) return;
    timers.ended = true;
    timers.at.forEach(clearTimeout);
    this.tell(step, 'end');
  }
}
