import type { Severity } from '../finding.js';

/** What is the same of every finding of one kind. */
export interface KindOfFinding {
  /** Its ids: NODE is a node's id, NAME a database, PORT a port, FOLDER what lies there, WHAT a kind of data. */
  readonly pattern: string;
  readonly severity: Severity;
  readonly guide: string;
  readonly would: string;
  readonly mend: string;
  readonly approvable: boolean;
  readonly volatile?: true;
}
