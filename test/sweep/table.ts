import { MOMENTS, type Kill, VICTIMS, wordsOf } from './kill.js';

/** How a rollout came through a kill: by itself, after `retry`, or after a stop went back and was approved again. */
export type Result = 'itself' | 'retry' | 'back';

/** What stands in a cell for each result. */
const MARKS: Readonly<Record<Result, string>> = { itself: '✓', retry: 'r', back: 'b' };
const UNKNOWN = '·';
const NONE = 'as control';

/** Results by kill, in words. */
export type Results = ReadonlyMap<string, Result>;

const HEADER = ['| step | agent | control worker | Temporal server |', '|---|---|---|---|'];

/** The rows of a document's table below this heading: step → results. */
export function resultsIn(document: string, heading: string): Map<string, Result> {
  const results = new Map<string, Result>();
  for (const line of sectionOf(document, heading)) {
    const [, step, ...cells] = /^\| `([^`]+)` \| (.*) \| (.*) \| (.*) \|$/.exec(line) ?? [];
    if (step === undefined) continue;
    for (const [index, victim] of VICTIMS.entries()) {
      const marks = cells[index]?.split(' ') ?? [];
      for (const [place, moment] of MOMENTS.entries()) {
        const result = (Object.keys(MARKS) as Result[]).find((one) => MARKS[one] === marks[place]);
        if (result !== undefined) results.set(wordsOf({ step, victim, moment }), result);
      }
    }
  }
  return results;
}

/** Steps that have a row below this heading. */
export function stepsIn(document: string, heading: string): string[] {
  return sectionOf(document, heading).flatMap((line) => /^\| `([^`]+)` \|/.exec(line)?.slice(1) ?? []);
}

/** The table itself. */
export function tableOf(kills: readonly Kill[], results: Results): string {
  const steps = [...new Set(kills.map(({ step }) => step))];
  const rows = steps.map((step) => {
    const cells = VICTIMS.map((victim) => {
      if (!kills.some((kill) => kill.step === step && kill.victim === victim)) return NONE;
      return MOMENTS.map((moment) => {
        const result = results.get(wordsOf({ step, victim, moment }));
        return result === undefined ? UNKNOWN : MARKS[result];
      }).join(' ');
    });
    return `| \`${step}\` | ${cells.join(' | ')} |`;
  });
  return [...HEADER, ...rows].join('\n');
}

/** What a scenario came through that was no kill. */
export function outageTable(
  rows: readonly { readonly what: string; readonly step: string; readonly result: Result }[],
): string {
  const lines = rows.map(({ what, step, result }) => `| ${what} | \`${step}\` | ${MARKS[result]} |`);
  return ['| outage | from the middle of | result |', '|---|---|---|', ...lines].join('\n');
}

/** The document with another text below this heading, which must be there. */
export function withSection(document: string, heading: string, text: string): string {
  const lines = document.split('\n');
  const [from, to] = boundsOf(lines, heading);
  return [...lines.slice(0, from), '', ...text.split('\n'), '', ...lines.slice(to)].join('\n');
}

function sectionOf(document: string, heading: string): string[] {
  const lines = document.split('\n');
  return lines.slice(...boundsOf(lines, heading));
}

function boundsOf(lines: readonly string[], heading: string): [from: number, to: number] {
  const at = lines.indexOf(`## ${heading}`);
  if (at === -1) throw new RangeError(`no section "${heading}"`);
  const next = lines.findIndex((line, index) => index > at && line.startsWith('## '));
  return [at + 1, next === -1 ? lines.length : next];
}
