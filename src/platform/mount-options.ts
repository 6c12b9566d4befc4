/** One line of a /proc/PID/mountinfo. */
export interface MountLine {
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The mounts of a /proc/PID/mountinfo, in which space, tab, line break and backslash are octal escapes. */
export function mountLines(mountinfo: string): MountLine[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , point, options = ''] = before.split(' ');
    const [type = '', , superOptions = ''] = after.split(' ');
    if (point === undefined) return [];
    return [{ point: unescaped(point), type, options: [...options.split(','), ...superOptions.split(',')] }];
  });
}

/** The mount that a folder lies in: of several at one place the last one is seen. */
export function mountOf(lines: readonly MountLine[], folder: string): MountLine | undefined {
  const path = `${folder.replace(/\/+$/, '')}/`;
  return lines
    .filter(({ point }) => path.startsWith(point === '/' ? '/' : `${point}/`))
    .reduce<MountLine | undefined>(
      (best, line) => (best !== undefined && best.point.length > line.point.length ? best : line),
      undefined,
    );
}

/** File systems that several machines see at the same time. */
const NETWORK =
  /^(nfs4?|cifs|smb3|smbfs|ceph|glusterfs|lustre|gfs2|ocfs2|beegfs|afs|9p|fuse\.(glusterfs|ceph|sshfs|s3fs|juicefs|.*nfs.*))$/;

/** Whether another machine may see what lies in a file system of that kind. */
export function isNetwork(type: string): boolean {
  return NETWORK.test(type);
}

/** Options of network file systems with which mail is lost or damaged, and why. */
const HARMFUL: readonly { readonly types: RegExp; readonly option: RegExp; readonly why: string }[] = [
  {
    types: /^nfs4?$/,
    option: /^(soft|softerr)$/,
    why: 'a server that is slow for a while makes writes fail that a mail server takes for done',
  },
  {
    types: /^nfs4?$/,
    option: /^(nolock|local_lock=(all|flock|posix))$/,
    why: 'a lock of one node keeps no other node out',
  },
  { types: /^(cifs|smb3)$/, option: /^nobrl$/, why: 'a lock of one node keeps no other node out' },
  { types: /^nfs4?$/, option: /^nocto$/, why: 'a node may go on with what a file held before another node wrote it' },
  {
    types: /^(cifs|smb3)$/,
    option: /^cache=loose$/,
    why: 'a node may go on with what a file held before another node wrote it',
  },
  { types: /^(nfs4?|cifs|smb3)$/, option: /^ro$/, why: 'nothing can be written' },
];

/**
 * Why a mount is no place for the mail of several nodes, in words (procedure, rule 17); empty when nothing speaks
 * against it. NFS reports `local_lock=none` where locks reach the server.
 */
export function harmfulOptions({ type, options }: MountLine): string[] {
  return HARMFUL.flatMap(({ types, option, why }) => {
    if (!types.test(type)) return [];
    return options.filter((one) => option.test(one)).map((one) => `${type} is mounted with ${one}: ${why}`);
  });
}

function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
