import { join } from 'node:path';

/** The folders that are a machine's own; everything else is the host's. `/run` is its own too, and empty at start. */
export const PRIVATE_FOLDERS = ['/etc', '/var', '/opt', '/mnt', '/srv', '/root', '/home'] as const;

/** Where a machine reaches what lies outside its own folders; only root may enter. */
const LAB_ROOM = '/run/icewarp-lab';

/** The share machine's disk as the other machines see it: what a network file system would carry. */
export const SHARE_DISK = `${LAB_ROOM}/share`;

/** The last word of a boot script on its standard output. */
export const BOOTED = 'booted';

export interface BootPlan {
  readonly hostName: string;
  /** Folder with the machine's disk, outside. */
  readonly disk: string;
  /** An empty folder outside on which the machine's /run is put together. */
  readonly staging: string;
  /** The share machine's disk, outside. */
  readonly shareDisk: string;
  /** The host's files and folders that must be seen at their own path even where the machine's own folders hide them. */
  readonly keep: readonly string[];
  /** The lab's helper that takes the place of /sbin/mount.cifs; a path on the machine. */
  readonly mountHelper?: string;
}

/**
 * The script that a machine's init process runs in its fresh namespaces: it puts the machine's own folders in place
 * and then stays as the process that buries orphans. Every source is first bound below the new /run, which is moved to
 * its place last, because each private folder put in place may hide the source of the next: the lab, the checkout or
 * node may lie below any of them.
 */
export function bootScript(plan: BootPlan): string {
  const room = plan.staging + LAB_ROOM.slice('/run'.length);
  const keep = outermost(plan.keep.filter(isHidden));
  return [
    'set -eu',
    `printf %s ${quote(plan.hostName)} > /proc/sys/kernel/hostname`,
    `mount -n -t tmpfs -o mode=755 tmpfs ${quote(plan.staging)}`,
    `mkdir -m 700 ${quote(room)}`,
    bind(plan.disk, join(room, 'disk'), 'folder'),
    bind(plan.shareDisk, join(room, 'share'), 'folder'),
    ...keep.map((path, index) => bindLike(path, join(room, `kept-${index}`))),
    `mount -n --move ${quote(plan.staging)} /run`,
    'mkdir -m 1777 /run/lock',
    ...PRIVATE_FOLDERS.map((folder) => `mount -n --bind ${LAB_ROOM}/disk${folder} ${folder}`),
    ...keep.map((path, index) => bindLike(`${LAB_ROOM}/kept-${index}`, path)),
    ...(plan.mountHelper === undefined ? [] : [`mount -n --bind ${quote(plan.mountHelper)} /usr/sbin/mount.cifs`]),
    `echo ${BOOTED}`,
    'exec > /dev/null 2>&1 < /dev/null',
    'while :; do sleep 86400 & wait $!; done',
    '',
  ].join('\n');
}

function isHidden(path: string): boolean {
  return [...PRIVATE_FOLDERS, '/run'].some((folder) => path === folder || path.startsWith(`${folder}/`));
}

function outermost(paths: readonly string[]): string[] {
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`)));
}

function bind(source: string, target: string, kind: 'folder' | 'file'): string {
  const make =
    kind === 'folder' ? `mkdir -p ${quote(target)}` : `mkdir -p "$(dirname ${quote(target)})" && : >> ${quote(target)}`;
  return `${make}; mount -n --bind ${quote(source)} ${quote(target)}`;
}

/** Binds a file on a file, a folder on a folder; what is not there is left out. */
function bindLike(source: string, target: string): string {
  return [
    `if [ -d ${quote(source)} ]; then ${bind(source, target, 'folder')};`,
    `elif [ -e ${quote(source)} ]; then ${bind(source, target, 'file')}; fi`,
  ].join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
