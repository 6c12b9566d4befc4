import { CancellationScope } from '@temporalio/workflow';

import type { Machine } from '../cluster/names.js';
import { STAGES, type Stage } from '../cluster/stages.js';
import { call } from './calls.js';
import type { Progress } from './progress.js';
import type { About } from './runner.js';
import type { Undo } from './status.js';

/** How a step of the way back is run: through the same loop as those of the way forward. */
type Attempt = (step: { id: string; on: Machine; about: About }, work: () => Promise<'done'>) => Promise<void>;

/** Whose services are started again at the end of a way back. */
export interface Served {
  readonly nodes: readonly Machine<'node'>[];
  readonly directory: string;
  /** What has to pass on a node that serves again, still closed, before its users are let in. */
  readonly beforeOpening?: (on: Machine) => Promise<void>;
}

/** Whether putting an entry back lets users in. */
function opens({ kind, desired }: Undo): boolean {
  return kind === 'ports' && (desired as { readonly state?: unknown } | null)?.state === 'closed';
}

/** What has been done and can be put back, the latest first. */
export class WayBack {
  readonly #entries: Undo[];

  constructor(
    entries: readonly Undo[],
    private readonly progress: Progress,
  ) {
    this.#entries = [...entries];
  }

  get entries(): readonly Undo[] {
    return this.#entries;
  }

  /**
   * Before the action; a retry, or a later step on the same services, keeps the FIRST observation. The undo of
   * services comes after all others of the way back: they must not start half way.
   */
  register(undo: Undo): void {
    const undoLast = undo.kind === 'services';
    const known = (one: Undo): boolean =>
      one.step === undo.step || (undoLast && one.kind === undo.kind && one.on.name === undo.on.name);
    if (this.#entries.some(known)) return;
    const since = this.progress.verified.at(-1);
    const entry = since === undefined ? undo : { ...undo, since };
    if (undoLast) this.#entries.push(entry);
    else this.#entries.unshift(entry);
  }

  /** What was done since a stage was verified; everything without one. */
  since(stage: Stage | undefined): readonly Undo[] {
    if (stage === undefined) return this.entries;
    const least = STAGES.indexOf(stage);
    return this.entries.filter(({ since }) => since !== undefined && STAGES.indexOf(since) >= least);
  }

  /** What was done after the entries of an earlier moment. */
  besides(earlier: readonly Undo[]): readonly Undo[] {
    const known = new Set(earlier.map(({ step }) => step));
    return this.entries.filter(({ step }) => !known.has(step));
  }

  /**
   * Puts entries back in that order, whatever is cancelled meanwhile. A failing undo is held, never skipped silently. What
   * served serves again at the end, and before clients are let in to it.
   */
  async putBack(
    entries: readonly Undo[],
    { nodes, directory, beforeOpening }: Served,
    attempt: Attempt,
  ): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      const touched = new Set<string>();
      // a step that stopped a server and then failed has no undo entry for the services
      const settle = async (names: ReadonlySet<string>): Promise<void> => {
        for (const on of nodes.filter(({ name }) => names.has(name))) {
          const about: About = { title: 'services as before', guide: '', skippable: true };
          await attempt({ id: `${on.name}/settleServices`, on, about }, async () => {
            await call(on, 'settleServices.run', about.title, [`${on.name}/settleServices`, { directory }]);
            return 'done';
          });
        }
      };
      for (const entry of [...entries]) {
        const { kind, step, title, on, desired, before } = entry;
        if (kind === 'ports') await settle(new Set([on.name]));
        if (opens(entry)) await beforeOpening?.(on);
        touched.add(on.name);
        const about: About = { title: `undo: ${title}`, guide: '', skippable: true };
        await attempt({ id: `undo ${step}`, on, about }, async () => {
          const kept = await call(on, `${kind}.restore`, about.title, [step, desired, before]);
          this.progress.kept.push(...(kept as string[]).map((line) => `${on.name}: ${line}`));
          return 'done';
        });
        this.#entries.splice(this.#entries.indexOf(entry), 1);
      }
      await settle(touched);
    });
  }
}
