/** Exit codes of `tool`: 4 and 5 are the vendor's, the rest of the table is not known. */
export const EXIT = { ok: 0, failed: 1, usage: 2, exists: 4, passwordPolicy: 5 } as const;

/** What `tool` prints and how it ends. */
export interface ToolAnswer {
  readonly code: number;
  readonly lines: readonly string[];
}

export const answer = (code: number, ...lines: readonly string[]): ToolAnswer => ({ code, lines });

/** Groups arguments as `name value` pairs; undefined when one is left over. */
export function pairs(words: readonly string[]): (readonly [name: string, value: string])[] | undefined {
  if (words.length % 2 === 1) return undefined;
  return words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? ''] as const] : []));
}

/** The answer to a name that this version does not have: the known ones, and a failure. */
export function unknownVariable(name: string, known: readonly string[]): ToolAnswer {
  return answer(EXIT.failed, `Unknown variable ${name}. Known variables:`, ...known);
}
