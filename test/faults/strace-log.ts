/** A system call as a line of strace's log shows it. */
export interface LoggedCall {
  /** Thread id. */
  readonly thread: number;
  readonly call: string;
  /** Arguments and result, as strace prints them with -y: descriptors with their paths. */
  readonly text: string;
}

/** Those among {@link WRITE_CALLS} whose first argument is a descriptor. */
const ON_DESCRIPTORS = new Set([
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'pwritev2',
  'sendfile',
  'fsync',
  'fdatasync',
  'sync_file_range',
  'ftruncate',
  'fallocate',
  'fchmod',
  'fchown',
]);

/** Those whose arguments hold paths. */
const ON_PATHS = new Set([
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'symlink',
  'symlinkat',
  'mkdir',
  'mkdirat',
  'rmdir',
  'unlink',
  'unlinkat',
  'truncate',
  'chmod',
  'fchmodat',
  'fchmodat2',
  'chown',
  'lchown',
  'fchownat',
  'mknod',
  'mknodat',
  'utimes',
  'futimesat',
  // With a descriptor and no path it is futimens; the path of the descriptor is printed with it.
  'utimensat',
]);

const OPENING = new Set(['open', 'openat', 'openat2', 'creat']);
/** Its target is its second or third descriptor; the whole line is searched. */
const COPYING = 'copy_file_range';

/** Every system call by which a program changes a file system. */
export const WRITE_CALLS: readonly string[] = [...OPENING, ...ON_DESCRIPTORS, ...ON_PATHS, COPYING];

/** The calls of a log in the order in which they began; thread 0 where the log is of one thread and names none. */
export function parseLog(log: string): LoggedCall[] {
  const calls: { thread: number; call: string; text: string }[] = [];
  const unfinished = new Map<number, { text: string }>();
  for (const line of log.split('\n')) {
    const begun = /^(?:(\d+) +)?(\w+)\((.*)$/.exec(line);
    if (begun !== null) {
      const [, thread = '0', call = '', text = ''] = begun;
      const entry = { thread: Number(thread), call, text: `(${text.replace(/ <unfinished \.\.\.>$/, '')}` };
      calls.push(entry);
      unfinished.set(entry.thread, entry);
      continue;
    }
    const resumed = /^(?:(\d+) +)?<\.\.\. \w+ resumed>(.*)$/.exec(line);
    const entry = unfinished.get(Number(resumed?.[1] ?? 0));
    if (resumed !== null && entry !== undefined) entry.text += resumed[2] ?? '';
  }
  return calls;
}

/** Whether a call changes, or tries to change, something below one of the folders, which are without symbolic links. */
export function changesWithin({ call, text }: LoggedCall, folders: readonly string[]): boolean {
  const isWithin = (path: string): boolean =>
    folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  const annotated = [...text.matchAll(/<(\/[^>]*)>/g)].map(([, path = '']) => path);
  const quoted = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = '']) => path);
  if (ON_DESCRIPTORS.has(call)) return isWithin(annotated[0] ?? '');
  if (OPENING.has(call)) {
    return (call === 'creat' || text.includes('O_CREAT')) && [...annotated.slice(-1), ...quoted].some(isWithin);
  }
  if (call === COPYING) return annotated.some(isWithin);
  // A path through a descriptor, and one from the current folder, may lead anywhere: better one too many.
  const isPerhaps = (path: string): boolean => !path.startsWith('/') || path.startsWith('/proc/self/fd/');
  return ON_PATHS.has(call) && (annotated.some(isWithin) || quoted.some((path) => isWithin(path) || isPerhaps(path)));
}
