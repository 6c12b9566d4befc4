import { setTimeout as sleep } from 'node:timers/promises';

import { AGENTS, type AgentName, type Lab } from '../../src/lab/lab.js';
import type { Kill, StepTime } from './kill.js';

/** Milliseconds until somebody starts again what was killed: at most. */
const NOTICED = 500;
/** Milliseconds in which a rollout shows that it goes on after a kill, before the next one may come all the same. */
const RECOVERY = 30_000;

/** Kills processes of a lab and starts them again; what is down is not killed, nor what needs it. */
export class Victims {
  readonly #down = new Set<string>();
  readonly #coming = new Set<Promise<void>>();
  /** Things that happened in the rollout so far. */
  #happened = 0;

  constructor(
    private readonly lab: Lab,
    private readonly times: ReadonlyMap<string, StepTime>,
  ) {}

  /** The rollout goes on. */
  happened(): void {
    this.#happened += 1;
  }

  /** Whether a kill would meet a whole cluster, or one where only another machine's agent is just coming back. */
  mayKill(kill: Kill): boolean {
    const process = this.#processOf(kill);
    if (isCentral(process)) return this.#down.size === 0;
    return !this.#down.has(process) && ![...this.#down].some(isCentral);
  }

  /** @param moment between 0 and 1: how late it is started again. */
  kill(kill: Kill, moment: number): void {
    const process = this.#processOf(kill);
    this.#down.add(process);
    const back = this.#killAndStart(process, moment).finally(() => this.#down.delete(process));
    this.#coming.add(back);
    back.catch(() => undefined);
  }

  /** Waits until everything is there again. */
  async allBack(): Promise<void> {
    await Promise.all(this.#coming);
  }

  async #killAndStart(process: string, moment: number): Promise<void> {
    const { lab } = this;
    if (process === 'temporal') {
      await lab.temporal.kill();
      await sleep(moment * NOTICED);
      await lab.temporal.start();
    } else {
      await lab.killAgent(process as AgentName);
      await sleep(moment * NOTICED);
      await lab.startAgent(process as AgentName);
    }
    const seen = this.#happened;
    const until = Date.now() + (isCentral(process) ? RECOVERY : 0);
    while (this.#happened === seen && Date.now() < until) await sleep(20);
  }

  #processOf({ step, victim }: Kill): string {
    if (victim !== 'agent') return victim;
    const machine = this.times.get(step)?.machine;
    const agent = AGENTS.find((name) => name === machine);
    if (agent === undefined) throw new RangeError(`${step} has no agent of its own`);
    return agent;
  }
}

/** Whether everything waits for it. */
function isCentral(process: string): boolean {
  return process === 'temporal' || process === 'control';
}
