import { asBytes, asText, piecesOf, type Piece, type PieceLimits } from './text-pieces.js';

/** The folders whose place changes when a node joins the shared configuration. */
export const MOVED = ['config', 'spam', 'calendar', 'mail', 'archive'] as const;
export type MovedFolder = (typeof MOVED)[number];

/** A folder as the first node has had it, and where it is from now on. */
export interface OldFolder {
  readonly name: MovedFolder;
  readonly path: string;
  readonly target: string;
}

/** What a hit is: the place of an old folder, a path without a root, or a database that is one local file. */
export type HitKind = 'absolute' | 'relative' | 'sqlite';

/** Something that stops being true once the configuration is shared (B11). Holds no secret. */
export interface TextHit {
  readonly kind: HitKind;
  readonly line: number;
  /** Counted in bytes, from 1. */
  readonly column: number;
  /** The path; of a connection string, only its file. */
  readonly found: string;
  /** What to do about it. */
  readonly mend: string;
}

/** Where something was found in a text whose bytes are characters. */
interface Span {
  readonly kind: HitKind;
  readonly start: number;
  readonly end: number;
  readonly found: string;
  readonly mend: string;
}

/** What may not stand before a path: there it is the middle of something else, such as an address, or a tag. */
const NO_PATH_BEFORE = '(?<![\\w.~@%+\\-\\\\/<\\x80-\\xff])';
const PATH_ENDS = '(?![\\w~\\-\\x80-\\xff]|\\.\\w)';
/** The rest of a path, which stops at whatever may be the next field: that may be a password. */
const REST = '[^\\s"\'<>|;:,=&*?\\0]{0,1024}';

/** The last two of the six fields of a connection string: the driver and the syntax of SQLite. */
const SQLITE_FIELDS = /;7;3(?!\d)/g;
/** Bytes before them in which the other four are looked for. */
const FIELDS_BEFORE = 2048;
const SQLITE_PDO = /(?<!\w)sqlite:(?!:memory:)[^\s"'<>|;]{1,1024}/gi;

/** Finds paths and SQLite databases in lines of whatever format: that of IceWarp's files is not documented. */
export class PathScanner {
  readonly #absolute: readonly { readonly pattern: RegExp; readonly folder: OldFolder }[];
  readonly #relative: RegExp;
  readonly #targets: ReadonlyMap<string, string>;

  /**
   * @param directory The installation, which relative paths start from.
   * @param folders Those that move, as they were before.
   */
  constructor(directory: string, folders: readonly OldFolder[]) {
    const longestFirst = [...folders].sort((a, b) => b.path.length - a.path.length);
    this.#absolute = longestFirst.flatMap((folder) => {
      const pattern = patternOf(folder.path);
      return pattern === null ? [] : [{ pattern, folder }];
    });
    const targets = new Map<string, string>();
    for (const { name, path, target } of folders) {
      const inside = relativeTo(directory, path);
      for (const key of [name, ...(inside === null ? [] : [inside])]) targets.set(key, target);
    }
    this.#targets = targets;
    const names = [...new Set([...MOVED, ...targets.keys()])].sort((a, b) => b.length - a.length).map(segments);
    const begins = `(?:(${names.join('|')})[\\\\/]{1,2}|\\.{1,2}[\\\\/](?=\\w))`;
    this.#relative = new RegExp(`${NO_PATH_BEFORE}${begins}${REST}`, isWindows(directory) ? 'gi' : 'g');
  }

  /** The hits of a text, line by line; memory does not grow with it. */
  async *search(bytes: AsyncIterable<string>, limits?: PieceLimits): AsyncGenerator<TextHit> {
    for await (const piece of piecesOf(bytes, limits)) yield* this.#hitsIn(piece);
  }

  /** The hits of one value. */
  searchValue(value: string): readonly TextHit[] {
    return this.#hitsIn({ line: 1, text: asBytes(value), offset: 0, from: 0, until: Infinity });
  }

  #hitsIn({ line, text, offset, from, until }: Piece): readonly TextHit[] {
    const databases = [...sqliteIn(text)];
    const paths = [...this.#absoluteIn(text), ...this.#relativeIn(text)];
    const others = firstOnly(paths).filter(
      ({ start }) => !databases.some((one) => start >= one.start && start < one.end),
    );
    return [...databases, ...others]
      .filter(({ start }) => start >= from && start < until)
      .sort((a, b) => a.start - b.start)
      .map(({ kind, start, found, mend }) => ({ kind, line, column: offset + start + 1, found: asText(found), mend }));
  }

  *#absoluteIn(text: string): Generator<Span> {
    for (const { pattern, folder } of this.#absolute) {
      for (const { index, 0: found } of text.matchAll(pattern)) {
        const mend = `name ${folder.target} instead of the old ${folder.name} folder`;
        yield { kind: 'absolute', start: index, end: index + found.length, found, mend };
      }
    }
  }

  *#relativeIn(text: string): Generator<Span> {
    for (const { index, 0: found, 1: name } of text.matchAll(this.#relative)) {
      const target = name === undefined ? undefined : this.#targets.get(namesOf(asText(name)).join('/'));
      const mend = `write the whole path${target === undefined ? '' : `, below ${target}`}`;
      yield { kind: 'relative', start: index, end: index + found.length, found, mend };
    }
  }
}

const NO_DATABASE_FILE = 'let it name the cluster’s database server';

function* sqliteIn(text: string): Generator<Span> {
  for (const { index } of text.matchAll(SQLITE_FIELDS)) {
    const begin = Math.max(0, index - FIELDS_BEFORE);
    const fields = text.slice(begin, index).split(';');
    if (fields.length < 4) continue;
    const [user = '', password = '', host = ''] = fields.slice(-3);
    const end = index - [user, password, host].join(';').length - 1;
    const found = fileIn(text.slice(begin, end));
    yield { kind: 'sqlite', start: end - found.length, end: index + ';7;3'.length, found, mend: NO_DATABASE_FILE };
  }
  for (const { index, 0: found } of text.matchAll(SQLITE_PDO)) {
    yield { kind: 'sqlite', start: index, end: index + found.length, found, mend: NO_DATABASE_FILE };
  }
}

/** The file at the end of a text: only a path with a drive may hold spaces, or the name of its setting would be taken. */
function fileIn(text: string): string {
  const field = /[^;=|"'<>\t\r\n\0]*$/.exec(text)?.[0] ?? '';
  return /[a-z]:[\\/].*$/i.exec(field)?.[0] ?? /\S*$/.exec(field)?.[0] ?? '';
}

/** Of hits at the same place, the first: the longest folder. */
function firstOnly(spans: readonly Span[]): readonly Span[] {
  const seen = new Set<number>();
  return spans.filter(({ start }) => !seen.has(start) && seen.add(start));
}

/** Null for what is no folder below a root. */
function patternOf(path: string): RegExp | null {
  const inside = segments(path);
  if (inside === '') return null;
  const roots = /^[\\/]*/.exec(path)?.[0].length ?? 0;
  const root = roots === 0 ? '' : roots === 1 ? '[\\\\/]' : '[\\\\/]{2,4}';
  const before = `(?:${NO_PATH_BEFORE}|(?<=file:\\/\\/))`;
  return new RegExp(`${before}${root}${inside}${PATH_ENDS}${REST}`, isWindows(path) ? 'gi' : 'g');
}

/** The names of a path for a pattern: either separator, also doubled as in a quoted text. */
function segments(path: string): string {
  return namesOf(asBytes(path))
    .map((name) => name.replace(/[.*+?^${}()|[\]\\-]/g, '\\$&'))
    .join('[\\\\/]{1,2}');
}

function isWindows(path: string): boolean {
  return /^[a-z]:|\\/i.test(path);
}

/** What a folder is called from another one; null where it is not below it. */
function relativeTo(directory: string, path: string): string | null {
  const [above, all] = [namesOf(directory), namesOf(path)];
  if (all.length <= above.length || !above.every((name, index) => all[index] === name)) return null;
  return all.slice(above.length).join('/');
}

function namesOf(path: string): readonly string[] {
  return path.split(/[\\/]+/).filter((name) => name !== '');
}
