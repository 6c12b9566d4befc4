import { setTimeout as sleep } from 'node:timers/promises';

import type { Lab } from '../../src/lab/lab.js';
import { type Command, commandUpdate, type GateState, type Status, statusQuery } from '../../src/workflows/status.js';
import { withRollout } from '../support/rollout-handle.js';

/** Milliseconds between two looks at the rollout. */
const LOOK = 1_000;
/** A step that is held more often after what was wrong is there again does not go on. */
const MOST_RETRIES = 8;
/** A stop that has gone back more often is not begun again. */
const MOST_RETURNS = 10;

/** What an operator types, without a name. */
export type Word = Omit<Command, 'by'>;

/** A stop that went back by itself: milliseconds since the epoch from its approval until that was seen. */
export interface Return {
  readonly from: number;
  readonly until: number;
  readonly why: string;
}

/** What an operator had to do besides what an undisturbed rollout asks for. */
export interface Operated {
  /** Steps that were held until somebody typed `retry`, with the codes that they gave. */
  readonly retried: ReadonlyMap<string, readonly string[]>;
  readonly returns: readonly Return[];
}

/** What `status` says may be typed next, where that leads forward. */
export function wordsFor({ steps }: Pick<Status, 'steps'>): Word[] {
  return steps.flatMap(({ id, state }): Word[] => {
    if (state.is === 'gate') return gateWords(state);
    if (state.is !== 'held') return [];
    if (state.approvable !== undefined && state.approvable.length > 0) {
      return state.approvable.map((finding) => ({ verb: 'approve', finding }));
    }
    const [list] = state.code === 'SKIPPED_UNAPPROVED' ? (/\b[0-9a-f]{64}\b/.exec(state.why) ?? []) : [];
    return list === undefined ? [{ verb: 'retry', step: id }] : [{ verb: 'approve', skipped: list }];
  });
}

function gateWords({ skipped, forecast, budget, at }: GateState): Word[] {
  if (skipped.length > 0) return skipped.map(({ hash }) => ({ verb: 'approve', skipped: hash }));
  if (at !== null) return [];
  return [forecast !== null && forecast >= budget ? { verb: 'cutover', when: 'now' } : { verb: 'approve' }];
}

/** Operates a lab's rollout until told that it is over. */
export class Operator {
  readonly #retried = new Map<string, string[]>();
  readonly #returns: Return[] = [];
  /** When the stop that is under way was approved. */
  #approved = 0;

  /** Steps that were under way at the last look, with their state: what a rollout that is stuck is stuck at. */
  lastSeen = 'nothing';

  constructor(private readonly lab: Lab) {}

  async operate(signal: AbortSignal): Promise<Operated> {
    while (!signal.aborted) {
      await sleep(LOOK);
      // the server or the control worker is away just now, or something has changed between look and word
      await this.#look().catch(() => undefined);
    }
    return { retried: this.#retried, returns: this.#returns };
  }

  async #look(): Promise<void> {
    await withRollout(this.lab, async (handle) => {
      const status = await handle.query(statusQuery);
      this.#note(status);
      const say = async (word: Word): Promise<void> => {
        await handle.executeUpdate(commandUpdate, { args: [{ ...word, by: 'sweep' }] });
      };
      for (const word of wordsFor(status)) {
        if (word.verb === 'retry') await this.#retry(status, word, say);
        else if (begins(word)) await this.#begin(word, say);
        else await say(word);
      }
    });
  }

  /** What is under way, and stops that have gone back since the last look. */
  #note({ cutovers = [], steps }: Status): void {
    const current = steps.filter(({ state }) => ['running', 'waiting', 'held', 'gate'].includes(state.is));
    this.lastSeen = current.map(({ id, state }) => `${id} ${JSON.stringify(state)}`).join(', ');
    const all = cutovers.flatMap(({ wentBack }) => wentBack);
    for (const { why } of all.slice(this.#returns.length)) {
      this.#returns.push({ from: this.#approved, until: Date.now(), why });
    }
  }

  async #retry({ steps }: Status, word: Word, say: (word: Word) => Promise<void>): Promise<void> {
    const { step = '' } = word;
    const codes = this.#retried.get(step) ?? [];
    if (codes.length >= MOST_RETRIES) return;
    const state = steps.find(({ id }) => id === step)?.state;
    await say(word);
    this.#retried.set(step, [...codes, state?.is === 'held' ? state.code : '']);
  }

  async #begin(word: Word, say: (word: Word) => Promise<void>): Promise<void> {
    if (this.#returns.length > MOST_RETURNS) return;
    const now = Date.now();
    await say(word);
    this.#approved = now;
  }
}

/** Whether a stop of the services begins with it. */
function begins({ verb, finding, skipped }: Word): boolean {
  return verb === 'cutover' || (verb === 'approve' && finding === undefined && skipped === undefined);
}
