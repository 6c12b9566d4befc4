import type { Finding } from '../../../src/workflows/preflight/finding.js';
import type { LabCluster } from '../lab-cluster.js';

/** A real fault of a lab's surroundings, and the finding that must name it. */
export interface Trap {
  /** The fault, as the second half of a sentence: "… names a cron job that …". */
  readonly fault: string;
  /** The finding's id. */
  readonly finds: string;
  /** Words that its `is` must have. */
  readonly words: RegExp;
  /** Ids of findings that the same fault brings along, and words that their `is` must have. */
  readonly also?: Readonly<Record<string, RegExp>>;
  /** Makes the fault; what it returns takes it away again. */
  readonly set: (cluster: LabCluster) => Promise<() => Promise<unknown>>;
}

/** The ids that a trap shows, each by words of its own. */
export const shownBy = ({ finds, also = {} }: Trap): readonly string[] => [finds, ...Object.keys(also)];

/** What `doctor` finds in a lab. */
export async function examine(cluster: LabCluster): Promise<readonly Finding[]> {
  const { out } = await cluster.cli('doctor', '--json');
  const { findings, unseen } = JSON.parse(out) as { findings: readonly Finding[]; unseen: readonly unknown[] };
  if (unseen.length > 0) throw new Error(`doctor could not look everywhere: ${JSON.stringify(unseen)}`);
  return findings;
}

export const idsOf = (findings: readonly Finding[]): readonly string[] => findings.map(({ id }) => id).sort();
