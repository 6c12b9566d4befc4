import type { ErrorCode } from '../errors.js';

/** What is said of one code beside its next step, which stands in the table of errors. Markdown. */
export interface Entry {
  readonly means: string;
  /** What it means for users' mail, where that is not what the chapter says. */
  readonly mail?: string;
}

export interface Chapter {
  readonly title: string;
  /** What its errors mean for users' mail. */
  readonly mail: string;
  readonly entries: Readonly<Partial<Record<ErrorCode, Entry>>>;
}

/** Where a step is held, and nothing more can be said for all of a chapter. */
export const HELD =
  'Servers that serve go on serving. Services that are stopped stay stopped, and other servers keep mail for them and try again; `status` tells which.';
