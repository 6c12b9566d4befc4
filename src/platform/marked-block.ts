import { readFile } from 'node:fs/promises';

/**
 * Our lines in a text file that belongs to somebody else (fstab, smb.conf): a block between two comment lines, so that
 * it can be found, compared and taken out again without touching any other byte.
 */
const edges = (mark: string): readonly [string, string] => [
  `# BEGIN icewarp-rollout ${mark}`,
  `# END icewarp-rollout ${mark}`,
];

/** The text with the block in it, in place of an older version or at the end. */
export function withBlock(text: string, mark: string, body: string): string {
  const block = printed(mark, body);
  const found = find(text, mark);
  if (found !== null) return text.slice(0, found.start) + block + text.slice(found.end);
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${block}`;
}

/** The lines between the marks; null when there are none. */
export function blockIn(text: string, mark: string): string | null {
  return find(text, mark)?.body ?? null;
}

/** The text without the block. */
export function withoutBlock(text: string, mark: string): string {
  const found = find(text, mark);
  return found === null ? text : text.slice(0, found.start) + text.slice(found.end);
}

/** The text of a file; null when there is no such file. */
export async function readTextOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function printed(mark: string, body: string): string {
  const [begin, end] = edges(mark);
  return `${begin}\n${body}\n${end}\n`;
}

function find(text: string, mark: string): { start: number; end: number; body: string } | null {
  const [begin, end] = edges(mark);
  const lines = text.split('\n');
  const first = lines.indexOf(begin);
  const last = lines.indexOf(end, first);
  if (first === -1 || last === -1) return null;
  const start = lines.slice(0, first).join('\n').length + (first === 0 ? 0 : 1);
  const length = lines.slice(first, last + 1).join('\n').length;
  return { start, end: Math.min(start + length + 1, text.length), body: lines.slice(first + 1, last).join('\n') };
}
