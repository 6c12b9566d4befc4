/** What `mount -t cifs //host/share target -o …` asks for. */
export interface MountRequest {
  readonly host: string;
  readonly share: string;
  /** Folder inside the share, without slashes at its ends; empty for the share itself. */
  readonly folder: string;
  readonly target: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  readonly domain?: string;
  readonly credentials?: string;
  readonly readOnly: boolean;
  /** `mount -f`: everything but the mount itself. */
  readonly pretend: boolean;
}

/** A refusal of mount.cifs: the words on standard error and the exit code. */
export class MountRefusal extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

/**
 * Reads the helper's command line as mount(8) writes it: `source target [-sfnvrw] [-o options]`. Options of the real
 * mount.cifs that concern its cache, dialect or rights are accepted and have no effect here.
 *
 * @throws MountRefusal with exit code 1 for a wrong usage.
 */
export function parseMountArguments(args: readonly string[]): MountRequest {
  const positional: string[] = [];
  const options: string[] = [];
  let flags = '';
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (arg === '-o') options.push(...(args[(index += 1)] ?? '').split(','));
    else if (arg.startsWith('-')) flags += arg.slice(1);
    else positional.push(arg);
  }
  const [source, target] = positional;
  if (source === undefined || target === undefined) {
    throw new MountRefusal('Usage: mount.cifs <remotetarget> <dir> -o <options>', 1);
  }
  const named = new Map(options.map(keyAndValue));
  const take = (...keys: string[]): string | undefined => keys.map((key) => named.get(key)).find((value) => value);
  return {
    ...parseSource(source),
    target,
    port: Number(take('port') ?? 445),
    ...present('user', take('username', 'user')),
    ...present('password', take('password', 'pass')),
    ...present('domain', take('domain', 'dom', 'workgroup')),
    ...present('credentials', take('credentials', 'cred')),
    readOnly: named.has('ro') || flags.includes('r'),
    pretend: flags.includes('f'),
  };
}

/** Reads a credentials file: `username=`, `password=`, `domain=`, one per line. */
export function parseCredentials(text: string): Pick<MountRequest, 'user' | 'password' | 'domain'> {
  const named = new Map(text.split(/\r?\n/).map((line) => keyAndValue(line.trimStart())));
  return {
    ...present('user', named.get('username') ?? named.get('user')),
    ...present('password', named.get('password') ?? named.get('pass')),
    ...present('domain', named.get('domain') ?? named.get('dom')),
  };
}

function parseSource(source: string): Pick<MountRequest, 'host' | 'share' | 'folder'> {
  const match = /^(?:\/\/|\\\\)([^/\\]+)[/\\]([^/\\]+)[/\\]?(.*)$/.exec(source);
  if (match === null) throw new MountRefusal('mount error: UNC name too short', 1);
  const [, host = '', share = '', folder = ''] = match;
  return { host, share, folder: folder.replaceAll('\\', '/').replace(/\/+$/, '') };
}

function keyAndValue(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals === -1 ? [text.trim(), ''] : [text.slice(0, equals).trim(), text.slice(equals + 1)];
}

function present<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>);
}
