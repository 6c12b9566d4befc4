import { CATALOGUE, type FindingKind } from './catalogue.js';
import type { KindOfFinding } from './catalogue/kind.js';

/** stops: the rollout is held. warns: it goes on, and may be sorry. tells: worth knowing. */
export type Severity = 'stops' | 'warns' | 'tells';

/** The most serious first. */
export const SEVERITIES = ['stops', 'warns', 'tells'] as const satisfies readonly Severity[];

/** One thing that is in the way of a rollout, or may be: found before anything is changed. Words, never a secret. */
export interface Finding {
  /** Stable across releases, because operators approve by it: such as `B/port-25-taken`. */
  readonly id: string;
  readonly severity: Severity;
  /** A machine, or `cluster` for what differs between several. */
  readonly machine: string;
  /** Requirements that it touches, such as "B12". */
  readonly guide: string;
  /** What is. */
  readonly is: string;
  /** What would happen. */
  readonly would: string;
  /** How to mend it. */
  readonly mend: string;
  /** Whether an operator may let the rollout go on in spite of it. */
  readonly approvable: boolean;
  /** What is moves by itself between two looks, such as free bytes: a saved plan and an approval do not hold to it. */
  readonly volatile?: true;
}

/** Characters of what a finding says of its machine. */
const LONGEST = 400;
/** Of one severity: nobody reads more. */
const MOST = 60;

/**
 * A finding of a kind that the catalogue explains.
 *
 * @param place the machine, `cluster`, or the thing on a machine, as the pattern of the kind begins.
 * @param part what stands in the pattern for the capitals of its last part, such as a port.
 */
export function finding(kind: FindingKind, place: string, is: string, part = ''): Finding {
  const { pattern, severity, guide, would, mend, approvable, volatile = false } = CATALOGUE[kind] as KindOfFinding;
  const name = pattern.slice(pattern.lastIndexOf('/') + 1).replace(/[A-Z]+/, () => part);
  return {
    id: `${place}/${name}`,
    severity,
    machine: place.split('/')[0] ?? place,
    guide,
    is: is.length > LONGEST ? `${is.slice(0, LONGEST - 1)}…` : is,
    would,
    mend,
    approvable,
    ...(volatile ? { volatile } : {}),
  };
}

/** The most serious first, in the order of their ids. */
export function sorted(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  return [...findings].sort((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1));
}

/** Those of {@link sorted} that an operator reads: so many of each severity. */
export function ordered(findings: readonly Finding[]): readonly Finding[] {
  const all = sorted(findings);
  return SEVERITIES.flatMap((severity) => all.filter((one) => one.severity === severity).slice(0, MOST));
}

/** Whether a rollout is held for it, unless an operator approves. */
export function isStop({ severity }: Finding): boolean {
  return severity === 'stops';
}

/** The findings for which a rollout is held, in one message. */
export function stopText(stops: readonly Finding[]): string {
  const [first, ...more] = stops;
  if (first === undefined) return '';
  const others = more.slice(0, 5).map(({ id }) => id);
  const rest = more.length > 5 ? ` and ${more.length - 5} more` : '';
  const also = more.length === 0 ? '' : `; also ${others.join(', ')}${rest}`;
  const how = first.approvable ? '' : ' (cannot be approved)';
  return `${first.id}${how}: ${first.is}. ${first.would}. To mend it: ${first.mend}${also}`;
}
