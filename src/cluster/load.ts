import { distance } from 'fastest-levenshtein';
import { LineCounter, isMap, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';

import { breaches } from './rules.js';
import { clusterSchema, type ClusterFile } from './schema.js';

/** One thing that is wrong in a cluster file, where an editor can jump to. */
export interface FileProblem {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** Keys and indexes joined by dots; empty for the whole file. */
  readonly where: string;
  readonly message: string;
}

export type Loaded =
  | { readonly ok: true; readonly cluster: ClusterFile }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

type Path = readonly (string | number)[];

/** Characters and bytes; longer files are not cluster files: one of fifty nodes has some ten thousand. */
export const MAX_LENGTH = 50_000;

/** Problems that are told; nobody mends more at once, and each is looked up in the file. */
const MOST_PROBLEMS = 50;

/** What an alias may add: a file that grows when it is read is no cluster file. */
const MOST_ALIASES = 50;

/** Reads a cluster file's text. Never throws for bad text: every problem comes back with its place. Pure. */
export function loadCluster(text: string, file: string): Loaded {
  const lines = new LineCounter();
  if (text.length > MAX_LENGTH) {
    return wholeFile(file, 'this is too long for a cluster file');
  }
  const document = parsed(text, lines);
  if (document === null) return wholeFile(file, TOO_DEEP);
  const problem = (offset: number, path: Path, message: string): FileProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), where: path.join('.'), message };
  };
  if (document.errors.length > 0) {
    const told = document.errors.slice(0, MOST_PROBLEMS);
    return { ok: false, problems: told.map((e) => problem(e.pos[0], [], yamlWords(e.message))) };
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    return { ok: false, problems: [problem(0, [], 'too many aliases in this file')] };
  }
  const read = clusterSchema.safeParse(raw);
  const found = read.success ? breaches(read.data) : problemsIn(read.error, raw);
  const problems = found
    .slice(0, MOST_PROBLEMS)
    .map(({ path, message }) => problem(offsetOf(document, path), path, message));
  return read.success && problems.length === 0 ? { ok: true, cluster: read.data } : { ok: false, problems };
}

const TOO_DEEP = 'not valid YAML: it is nested too deeply';

function wholeFile(file: string, message: string): Loaded {
  return { ok: false, problems: [{ file, line: 1, column: 1, where: '', message }] };
}

/** null when the text is nested more deeply than the parser's stack reaches. */
function parsed(text: string, lineCounter: LineCounter): Document | null {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true, logLevel: 'error' });
  } catch {
    return null;
  }
}

function yamlWords(message: string): string {
  return /call stack/i.test(message) ? TOO_DEEP : `not valid YAML: ${message}`;
}

/** No more than are told: each unknown key is compared with all that are known. */
function problemsIn({ issues }: z.ZodError, raw: unknown): { path: Path; message: string }[] {
  const found: { path: Path; message: string }[] = [];
  for (const issue of issues) {
    if (found.length >= MOST_PROBLEMS) break;
    found.push(...explain(issue, raw));
  }
  return found;
}

/** A problem on one line, as compilers print them. */
export function formatProblem({ file, line, column, where, message }: FileProblem): string {
  return `${file}:${line}:${column}: ${where === '' ? '' : `${where}: `}${message}`;
}

function explain(issue: z.core.$ZodIssue, raw: unknown): { path: Path; message: string }[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys
        .slice(0, MOST_PROBLEMS)
        .map((key) => ({ path: [...path, key], message: unknownKey(key, path) }));
    case 'invalid_type': {
      const given = valueAt(raw, path);
      if (given === undefined) return [{ path, message: 'is missing' }];
      if (!issue.message.startsWith('Invalid input')) return [{ path, message: issue.message }];
      return [{ path, message: `expected ${issue.expected}, got ${describe(given)}${hint(issue.expected, given)}` }];
    }
    case 'invalid_value': {
      const given = valueAt(raw, path);
      if (given === undefined) return [{ path, message: 'is missing' }];
      return [{ path, message: `expected ${issue.values.map(String).join(' or ')}, got ${describe(given)}` }];
    }
    case 'invalid_union': {
      if (valueAt(raw, path) === undefined) return [{ path, message: 'is missing' }];
      const first = issue.errors.flat()[0];
      return [{ path, message: first?.message ?? issue.message }];
    }
    default:
      return [{ path, message: issue.message }];
  }
}

/** Longer ones are no slip of the pen. */
const LONGEST_KEY = 40;

function unknownKey(key: string, parent: Path): string {
  const known = knownKeys(parent);
  const near = (key.length > LONGEST_KEY ? [] : known)
    .map((candidate) => ({ candidate, far: distance(candidate.toLowerCase(), key.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)[0];
  const guess =
    near !== undefined && near.far <= Math.max(2, key.length / 3) ? `did you mean "${near.candidate}"? ` : '';
  return `unknown key; ${guess}known here: ${known.join(', ')}`;
}

/** The keys that the schema has at a place, found by walking the schema itself. */
function knownKeys(path: Path): readonly string[] {
  let at: unknown = clusterSchema;
  for (const part of path) {
    const inner = unwrap(at);
    at = typeof part === 'number' ? inner['element'] : shapeOf(inner)[part];
  }
  return Object.keys(shapeOf(unwrap(at)));
}

function unwrap(schema: unknown): Record<string, unknown> {
  let at = schema as { def?: { innerType?: unknown }; shape?: unknown; element?: unknown };
  while (at.def?.innerType !== undefined) at = at.def.innerType as typeof at;
  return at;
}

function shapeOf(schema: Record<string, unknown>): Record<string, unknown> {
  return (schema['shape'] ?? {}) as Record<string, unknown>;
}

function valueAt(raw: unknown, path: Path): unknown {
  let at = raw;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

/** Says what was given without repeating text that could be a password put in the wrong place. */
function describe(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'a group of keys';
}

function hint(expected: string, given: unknown): string {
  return expected === 'string' && typeof given === 'number' ? `: put it in quotes, "${given}"` : '';
}

/** The place of a value, or of the nearest thing above it that is written in the file. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const parent = length === 0 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    if (length === 0) return nodeOffset(parent) ?? 0;
    const last = path[length - 1];
    const container = length === 1 ? document.contents : parent;
    if (isMap(container)) {
      const pair = container.items.find((item) => (item.key as { value?: unknown }).value === last);
      const offset = nodeOffset(pair?.key);
      if (offset !== undefined) return offset;
    } else {
      const offset = nodeOffset(document.getIn(path.slice(0, length), true));
      if (offset !== undefined) return offset;
    }
  }
  return 0;
}

function nodeOffset(node: unknown): number | undefined {
  return (node as { range?: [number, number, number] } | null | undefined)?.range?.[0];
}
