import { ERRORS, type ErrorCode } from '../errors.js';
import type { Chapter } from './chapter.js';
import { ABOUT_MACHINES } from './machines.js';
import { ABOUT_THE_ROLLOUT } from './rollout.js';
import { ABOUT_TREES } from './trees.js';

/**
 * What every error code means: the one source of `icewarp-rollout explain` and of the tables in docs/recovery.md, which
 * the build writes. Texts are Markdown; their links lead to places in docs/.
 */
export const HANDBOOK: readonly Chapter[] = [...ABOUT_THE_ROLLOUT, ...ABOUT_MACHINES, ...ABOUT_TREES];

/** Everything that is known of one code. */
export interface Explanation {
  readonly code: ErrorCode;
  readonly chapter: string;
  readonly means: string;
  readonly mail: string;
  readonly next: string;
  /** Whether the same is tried again, up to five times, before a step is held. */
  readonly retried: boolean;
}

/** Every code with its explanation, in the order of the handbook. */
export function explanations(): Explanation[] {
  return HANDBOOK.flatMap(({ title, mail, entries }) =>
    (Object.keys(entries) as ErrorCode[]).map((code) => {
      const { means = '', mail: own = mail } = entries[code] ?? {};
      const { next, retryable } = ERRORS[code];
      return { code, chapter: title, means, mail: own, next, retried: retryable };
    }),
  );
}

/** The chapters as they stand in docs/recovery.md. */
export function handbookMarkdown(): string {
  return HANDBOOK.map(({ title, mail, entries }) => {
    const rows = (Object.keys(entries) as ErrorCode[]).map((code) => {
      const { means = '', mail: own } = entries[code] ?? {};
      const { next, retryable } = ERRORS[code];
      const forMail = own === undefined ? '' : ` **Mail:** ${own}`;
      return `| \`${code}\` | ${means}${forMail} | ${next} | ${retryable ? 'yes' : 'no'} |`;
    });
    return [
      `### ${title}`,
      '',
      `For users' mail, where nothing else is said: ${mail}`,
      '',
      '| code | what it means | next step, as printed | tried again by itself |',
      '|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
  }).join('\n');
}

const BEGIN = '<!-- written by the build from src/cluster/handbook: change it there -->\n';
const END = '<!-- end of what the build writes -->\n';

/** The document with the chapters as they are now between its two marks. @throws Error without the marks. */
export function withHandbook(document: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('the document has no place for the handbook');
  return `${document.slice(0, begin)}${BEGIN}\n${handbookMarkdown()}\n${document.slice(end)}`;
}
