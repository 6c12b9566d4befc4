import { output } from '../commands.js';
import type { ByteName } from './names.js';
import { bytesOf, shown } from './names.js';

/** The engine's own file at a destination's root: part of no tree that is compared. */
export const SENTINEL = '.icewarp-rollout-transfer';

/** One thing in a tree, as `find` and `sha256sum` see it. */
export interface Entry {
  /** As `find -printf %y`: f file, d folder, l link, s socket, p pipe, c and b devices. */
  readonly type: string;
  /** Octal, with set-user-id, set-group-id and sticky. */
  readonly mode: string;
  readonly uid: string;
  readonly gid: string;
  /** Bytes; only of files. */
  readonly size: string;
  /** Nanoseconds since 1970, in decimal. */
  readonly mtime: string;
  /** Only of links. */
  readonly target: ByteName;
  /** The first, in order of bytes, of the paths of a file with several names; empty where it has one. */
  readonly group: ByteName;
  /** Only of files. */
  readonly sha256: string;
}

/** A tree by path below its root. */
export type Manifest = ReadonlyMap<ByteName, Entry>;

/** A property that two manifests may differ in. */
export type Field = keyof Entry;

const FIELDS = ['type', 'mode', 'uid', 'gid', 'size', 'mtime', 'target', 'group', 'sha256'] as const;
const FORMAT = ['%y', '%m', '%U', '%G', '%s', '%T@', '%D:%i', '%P', '%l'] as const;
const NANOSECONDS = 1_000_000_000n;
/** What a path may have in a system call, less the end mark. */
const PATH_MAX = 4_095;

/**
 * Describes everything below `root` except the sentinel, by coreutils and findutils and not by the product's code, so
 * that a mistake of the product is not made twice. Needs root for what is not ours to read.
 *
 * @param options.hash false: without contents
 * @throws Error when something cannot be read, or changes meanwhile
 */
export function manifest(root: string, options: { readonly hash?: boolean } = {}): Manifest {
  const format = FORMAT.map((field) => `${field}\\0`).join('');
  const found = output('find', ['.', '-mindepth', '1', '!', '-path', `./${SENTINEL}`, '-printf', format], {
    cwd: root,
  });
  const fields = found.toString('latin1').split('\0');
  const entries = new Map<ByteName, Entry>();
  const inodes = new Map<ByteName, ByteName[]>();
  const files: ByteName[] = [];
  for (let at = 0; at + FORMAT.length <= fields.length; at += FORMAT.length) {
    const [type = '', mode = '', uid = '', gid = '', size = '', time = '', inode = '', path = '', target = ''] =
      fields.slice(at, at + FORMAT.length);
    const isFile = type === 'f';
    if (isFile) files.push(path);
    if (isFile) inodes.set(inode, [...(inodes.get(inode) ?? []), path]);
    entries.set(path, {
      type,
      mode,
      uid,
      gid,
      size: isFile ? size : '',
      mtime: nanoseconds(time),
      target,
      group: '',
      sha256: '',
    });
  }
  for (const paths of inodes.values()) {
    const [group = '', ...others] = paths.sort();
    if (others.length > 0) for (const path of paths) amend(entries, path, { group });
  }
  if (options.hash !== false) {
    for (const [path, sha256] of hashes(root, files)) amend(entries, path, { sha256 });
  }
  return entries;
}

/**
 * How two trees differ, one line per difference; empty when they do not.
 *
 * @param options.ignore properties that may differ, for instance `['mtime']`
 * @param options.without paths that are left out of both, with everything below them
 */
export function differences(
  a: Manifest,
  b: Manifest,
  options: { readonly ignore?: readonly Field[]; readonly without?: readonly ByteName[] } = {},
): string[] {
  const { ignore = [], without = [] } = options;
  const compared = FIELDS.filter((field) => !ignore.includes(field));
  const isOut = (path: ByteName): boolean => without.some((out) => path === out || path.startsWith(`${out}/`));
  const lines: string[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    if (isOut(path)) continue;
    const [here, there] = [a.get(path), b.get(path)];
    if (here === undefined || there === undefined) {
      lines.push(`${shown(path)}: only in the ${here === undefined ? 'second' : 'first'}`);
      continue;
    }
    for (const field of compared) {
      if (here[field] !== there[field])
        lines.push(`${shown(path)}: ${field} ${shown(here[field])}, ${shown(there[field])}`);
    }
  }
  return lines;
}

function amend(entries: Map<ByteName, Entry>, path: ByteName, change: Partial<Entry>): void {
  const entry = entries.get(path);
  if (entry !== undefined) entries.set(path, { ...entry, ...change });
}

/** `find` prints whole seconds, rounded down, and the nanoseconds after them: -1.75 is a quarter second before 0. */
function nanoseconds(time: string): string {
  const [seconds = '', fraction = ''] = time.split('.');
  return String(BigInt(seconds) * NANOSECONDS + BigInt(fraction.slice(0, 9)));
}

function* hashes(root: string, files: readonly ByteName[]): Generator<[ByteName, string]> {
  const short = files.filter((path) => path.length + 2 <= PATH_MAX);
  const input = bytesOf(short.map((path) => `./${path}\0`).join(''));
  const printed = output('xargs', ['-0', '-r', 'sha256sum', '-z', '--'], { cwd: root, input }).toString('latin1');
  for (const line of printed.split('\0')) {
    // 64 digits, two characters, "./", the path.
    if (line !== '') yield [line.slice(68), line.slice(0, 64)];
  }
  for (const path of files) {
    if (path.length + 2 > PATH_MAX) yield [path, hashOfDeep(root, path)];
  }
}

/** A file whose path is too long for a system call: in two steps that are not. Such paths are ASCII here. */
function hashOfDeep(root: string, path: ByteName): string {
  const middle = path.lastIndexOf('/', PATH_MAX - 2);
  const last = path.lastIndexOf('/');
  const script = 'cd -P -- "$1" && cd -P -- "$2" && exec sha256sum -z -- "$3"';
  const steps = [`./${path.slice(0, middle)}`, `./${path.slice(middle + 1, last)}`, path.slice(last + 1)];
  return output('sh', ['-c', script, 'sh', ...steps], { cwd: root })
    .toString('latin1')
    .slice(0, 64);
}
