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
  /** Findings that the same fault brings along. */
  readonly also?: readonly string[];
  /** Makes the fault; what it returns takes it away again. */
  readonly set: (cluster: LabCluster) => Promise<() => Promise<unknown>>;
}

/** What `doctor` finds in a lab. */
export async function examine(cluster: LabCluster): Promise<readonly Finding[]> {
  const { out } = await cluster.cli('doctor', '--json');
  const { findings, unseen } = JSON.parse(out) as { findings: readonly Finding[]; unseen: readonly unknown[] };
  if (unseen.length > 0) throw new Error(`doctor could not look everywhere: ${JSON.stringify(unseen)}`);
  return findings;
}

export const idsOf = (findings: readonly Finding[]): readonly string[] => findings.map(({ id }) => id).sort();
