import { RolloutError } from '../cluster/errors.js';

const STAR = 0x2a;
/** A part of a pattern that stands for any number of names. */
const ANY = Symbol('**');

/**
 * What a list of patterns means for a path below the root (procedure, rules 3 and 6). `*` stands for any part of one
 * name, `**` between slashes for any number of whole names, at the end for whatever is inside; every other character is itself. A pattern without a slash
 * is matched against every name of the path, one with a slash against the path from the root; a slash at its end does
 * not count. Whatever lies below something that matches, matches as well.
 *
 * Names are bytes: paths come as latin1 strings, patterns are written in UTF-8. The time that it takes grows with
 * length of path times length of patterns at most, whatever anybody writes. Paths of one folder are best asked one
 * after the other.
 *
 * @throws RolloutError USAGE for a pattern that cannot match anything.
 */
export function compile(patterns: readonly string[]): (path: string) => boolean {
  const all = patterns.map(partsOf);
  let folder: string | undefined;
  let folderMatches = false;
  /** What the patterns that fit the folder say of a name in it. */
  let here: readonly NameMatcher[] = [];
  const matches = (path: string): boolean => {
    if (path === '' || all.length === 0) return false;
    const slash = path.lastIndexOf('/');
    const above = path.slice(0, Math.max(0, slash));
    if (above !== folder) {
      folderMatches = matches(above);
      const names = above === '' ? [] : above.split('/');
      here = all.filter(({ folders }) => matchFolders(folders, names)).map(({ name }) => name);
      folder = above;
    }
    if (folderMatches) return true;
    const name = path.slice(slash + 1);
    return here.some((takes) => takes(name));
  };
  return matches;
}

type NameMatcher = (name: string) => boolean;

/** A pattern: what it says of the folders on the way, and of the name that it ends with. */
interface Pattern {
  readonly folders: readonly (NameMatcher | typeof ANY)[];
  readonly name: NameMatcher;
}

function partsOf(pattern: string): Pattern {
  const parts = pattern.replace(/^\//, '').replace(/\/$/, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw new RolloutError('USAGE', `the pattern "${pattern}" matches no path below a root`);
  }
  if (!pattern.replace(/\/$/, '').includes('/')) parts.unshift('**');
  const last = parts.pop() ?? '';
  return {
    folders: parts.map((part) => (part === '**' ? ANY : nameMatcher(part))),
    // at the end `**` means what is inside, and not the folder itself
    name: nameMatcher(last === '**' ? '*' : last),
  };
}

/** Whether folders match, name by name: a `**` first takes nothing, then one name more each time. */
function matchFolders(parts: Pattern['folders'], names: readonly string[]): boolean {
  return matchWithGaps(
    parts.length,
    names.length,
    (part) => parts[part] === ANY,
    (part, name) => {
      const takes = parts[part];
      return typeof takes === 'function' && takes(names[name] ?? '');
    },
  );
}

/** Asked for every file of a tree, so what nearly every pattern is, text with at most one star, is compared quickly. */
function nameMatcher(text: string): NameMatcher {
  const pattern = Buffer.from(text, 'utf8').toString('latin1');
  const star = pattern.indexOf('*');
  if (star < 0) return (name) => name === pattern;
  if (pattern.includes('*', star + 1)) return (name) => matchName(pattern, name);
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  const least = pattern.length - 1;
  return (name) => name.length >= least && name.startsWith(head) && name.endsWith(tail);
}

function matchName(pattern: string, name: string): boolean {
  return matchWithGaps(
    pattern.length,
    name.length,
    (index) => pattern.charCodeAt(index) === STAR,
    (index, at) => pattern.charCodeAt(index) === name.charCodeAt(at),
  );
}

/**
 * Matches a row of things against a pattern of things and gaps. Only the last gap is ever widened: an earlier one need
 * not be, since the later ones can take whatever it would leave. So it never takes more than the product of both.
 */
function matchWithGaps(
  length: number,
  rows: number,
  isGap: (index: number) => boolean,
  fits: (index: number, row: number) => boolean,
): boolean {
  let [index, row, gap, taken] = [0, 0, -1, 0];
  while (row < rows) {
    if (index < length && isGap(index)) {
      gap = index;
      taken = row;
      index += 1;
    } else if (index < length && fits(index, row)) {
      index += 1;
      row += 1;
    } else if (gap >= 0) {
      taken += 1;
      row = taken;
      index = gap + 1;
    } else return false;
  }
  while (index < length && isGap(index)) index += 1;
  return index === length;
}
