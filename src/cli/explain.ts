import { distance } from 'fastest-levenshtein';
import color from 'picocolors';

import { RolloutError } from '../cluster/errors.js';
import { explanations, type Explanation } from '../cluster/handbook/handbook.js';
import { EXIT } from './exit.js';

/** Explains an error code; without one, lists all. @returns the exit code. @throws RolloutError USAGE. */
export function explain(word: string | undefined, { json = false }: { json?: boolean }): number {
  const all = explanations();
  const told = word === undefined ? all : [explanationOf(word, all)];
  const document = word === undefined ? all : told[0];
  process.stdout.write(
    json ? `${JSON.stringify(document, null, 2)}\n` : word === undefined ? listText(all) : told.map(text).join(''),
  );
  return EXIT.done;
}

/** The explanation of a code, however it is spelled: `agent_lost`, `agent-lost`. @throws RolloutError USAGE with guesses. */
export function explanationOf(word: string, all: readonly Explanation[] = explanations()): Explanation {
  const wanted = word
    .trim()
    .toUpperCase()
    .replaceAll(/[^A-Z]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  const found = all.find(({ code }) => code === wanted);
  if (found !== undefined) return found;
  const near = all
    .map(({ code }) => ({ code, away: distance(code, wanted) }))
    .filter(({ code, away }) => away <= code.length * 0.4 || (wanted.length > 2 && code.includes(wanted)))
    .sort((one, other) => one.away - other.away)
    .slice(0, 3)
    .map(({ code }) => code);
  const guess = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`;
  throw new RolloutError('USAGE', `there is no error code ${word}.${guess} All of them: icewarp-rollout explain`);
}

function text({ code, chapter, means, mail, next, retried }: Explanation): string {
  const again = retried
    ? 'yes: up to five times, with growing pauses, before a step is held'
    : 'no: the same would fail again until something is changed';
  return [
    `${color.bold(code)}  ${color.dim(chapter)}`,
    '',
    `what it means:   ${plain(means)}`,
    `for users' mail: ${plain(mail)}`,
    `next:            ${next}`,
    `tried again:     ${again}`,
    '',
    color.dim('The handbook, with symptoms and ways out: docs/recovery.md'),
    '',
  ].join('\n');
}

function listText(all: readonly Explanation[]): string {
  const chapters = [...new Set(all.map(({ chapter }) => chapter))];
  const lines = chapters.flatMap((title) => [
    color.bold(title),
    ...all.filter(({ chapter }) => chapter === title).map(({ code }) => `  ${code}`),
    '',
  ]);
  return `${lines.join('\n')}\nOne of them: icewarp-rollout explain CODE\n`;
}

/** Markdown as it reads on a terminal: a link becomes its words and where it leads. */
function plain(markdown: string): string {
  return markdown
    .replaceAll(/\[([^\]]+)\]\(#([^)]+)\)/g, '$1 (docs/recovery.md#$2)')
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, '$1 (docs/$2)')
    .replaceAll('`', '');
}
