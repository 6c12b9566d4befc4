import type { HitKind } from './path-scan.js';
import { SETTINGS, UNTOUCHED_PLACES } from './variables.js';

/** link: leads out of the folder. unsearched: could not be looked through. */
export type FindingKind = HitKind | 'link' | 'unsearched';

/** One thing that was found in the configuration, and where. */
export interface Finding {
  readonly kind: FindingKind;
  /** From the configuration folder; of a setting, its variable. */
  readonly place:
    { readonly file: string; readonly line: number; readonly column: number } | { readonly setting: string };
  readonly found: string;
  readonly mend: string;
}

/** holds: the rollout waits. repointed: a step of the rollout writes another value. allowed: stays, for a known reason. */
export type Verdict = { readonly is: 'holds' | 'repointed' } | { readonly is: 'allowed'; readonly reason: string };

/** What may stay as it is although it is not the same on every node. */
interface Allowance {
  readonly where: { readonly file: string } | { readonly setting: string };
  readonly kinds: readonly FindingKind[];
  readonly reason: string;
  /** Only as long as archiving is off. */
  readonly withoutArchive?: true;
}

const WEB_CLIENT_CACHE = 'the web client’s cache, which each node may have of its own and which is made anew';

const ALLOWED: readonly Allowance[] = [
  { where: { file: '_webmail/server.xml' }, kinds: ['sqlite'], reason: WEB_CLIENT_CACHE },
  { where: { setting: UNTOUCHED_PLACES.webClientDatabase.variable }, kinds: ['sqlite'], reason: WEB_CLIENT_CACHE },
  {
    where: { setting: SETTINGS.archivePath.variable },
    kinds: ['absolute', 'relative'],
    reason: 'archiving is off: nothing is put there',
    withoutArchive: true,
  },
];

/** What the verdict on a setting depends on. */
export interface Circumstances {
  readonly archiving: boolean;
  /** Variables that steps are still to write. */
  readonly repointed: ReadonlySet<string>;
}

/** Whether something that was found keeps the configuration from being shared. */
export function verdictOn({ kind, place }: Finding, { archiving, repointed }: Circumstances): Verdict {
  if ('setting' in place && repointed.has(place.setting)) return { is: 'repointed' };
  const allowance = ALLOWED.find(({ where, kinds, withoutArchive = false }) => {
    const here =
      'setting' in where
        ? 'setting' in place && place.setting === where.setting
        : 'file' in place && place.file === where.file;
    return here && kinds.includes(kind) && !(withoutArchive && archiving);
  });
  return allowance === undefined ? { is: 'holds' } : { is: 'allowed', reason: allowance.reason };
}
