/**
 * The lab's mount.cifs: mount(8) on a node calls it in place of the real one, because the kernel may know no cifs.
 * It logs on to the real Samba with the real smbclient from the node's own address, and shows the share's folder at
 * the mount point only when that succeeded. Numeric owners pass unchanged, as with Unix extensions: uid= and gid= have
 * no effect.
 */
import { readFile, realpath, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';

import { RolloutError } from '../cluster/errors.js';
import { runCommand } from '../platform/run.js';
import { SHARE_DISK } from './boot-script.js';
import { type MountRequest, MountRefusal, parseCredentials, parseMountArguments } from './mount-options.js';
import { openRelay } from './relay.js';
import { readLabMachine } from './standin/machine.js';

const LOGON_TIMEOUT = 15_000;
const MANUAL = 'Refer to the mount.cifs(8) manual page (e.g. man mount.cifs)';

/** What the server's refusals mean to the real mount.cifs, as an error number and its text. */
const REFUSALS: readonly (readonly [pattern: RegExp, number: number, text: string])[] = [
  [/LOGON_FAILURE|ACCESS_DENIED|ACCOUNT_|PASSWORD_/, 13, 'Permission denied'],
  [/BAD_NETWORK_NAME|OBJECT_NAME_NOT_FOUND|OBJECT_PATH_NOT_FOUND|NO_SUCH_FILE/, 2, 'No such file or directory'],
  [/IO_TIMEOUT|TIMED OUT/i, 110, 'Connection timed out'],
];

async function main(): Promise<void> {
  const request = await withCredentials(parseMountArguments(process.argv.slice(2)));
  const target = await mountPoint(request.target);
  const { address } = readLabMachine();
  await checkReachable(request, address);
  await logOn(request, address);
  const source = await shareFolder(request);
  if (await isMountedOn(target, source)) throw failure(16, 'Device or resource busy');
  if (request.pretend) return;
  await runCommand('mount', ['--bind', ...(request.readOnly ? ['-o', 'ro'] : []), source, target]);
}

async function withCredentials(request: MountRequest): Promise<MountRequest> {
  if (request.credentials === undefined) return request;
  try {
    return { ...request, ...parseCredentials(await readFile(request.credentials, 'utf8')) };
  } catch {
    throw new MountRefusal(`error 2 (No such file or directory) opening credential file ${request.credentials}`, 2);
  }
}

async function mountPoint(target: string): Promise<string> {
  const found = await stat(target).catch(() => undefined);
  if (found?.isDirectory() === true) return realpath(target);
  const reason = found === undefined ? 'No such file or directory' : 'Not a directory';
  throw new MountRefusal(`Couldn't chdir to ${target}: ${reason}`, 1);
}

/** smbclient's words for an unreachable server are those of the relay between; so the server is tried first. */
async function checkReachable({ host, port }: MountRequest, address: string): Promise<void> {
  const socket = connect({ host, port, localAddress: address, timeout: LOGON_TIMEOUT });
  try {
    await once(socket, 'connect');
  } catch {
    throw failure(111, `could not connect to ${host}`);
  } finally {
    socket.destroy();
  }
}

/** The password goes in by standard input, so that it stands in no argument list. */
async function logOn(request: MountRequest, address: string): Promise<void> {
  const relay = await openRelay(request, address);
  try {
    const command = request.folder === '' ? 'ls' : `cd "${request.folder}"; ls`;
    const { exitCode, stdout, stderr } = await runCommand('smbclient', logonArguments(request, relay, command), {
      accept: [0, 1],
      timeout: LOGON_TIMEOUT,
      input: request.password ?? '',
      env: { PASSWD_FD: '0' },
    });
    if (exitCode === 0 && !/NT_STATUS_/.test(stdout)) return;
    const said = `${stdout}\n${stderr}`;
    const known = REFUSALS.find(([pattern]) => pattern.test(said));
    throw known === undefined ? failure(5, 'Input/output error') : failure(known[1], known[2]);
  } finally {
    relay.close();
  }
}

function logonArguments(request: MountRequest, relay: { host: string; port: number }, command: string): string[] {
  return [
    `//${request.host}/${request.share}`,
    ...['--ip-address', relay.host, '--port', String(relay.port)],
    ...(request.user === undefined ? [] : ['--user', request.user]),
    ...(request.domain === undefined ? [] : ['--workgroup', request.domain]),
    ...['--configfile', '/dev/null', '--command', command],
  ];
}

/** The folder that the server's own configuration names for the share, as this machine reaches it. */
async function shareFolder({ share, folder }: MountRequest): Promise<string> {
  const { stdout } = await runCommand('testparm', [
    '--suppress-prompt',
    `--section-name=${share}`,
    '--parameter-name=path',
    `${SHARE_DISK}/etc/samba/smb.conf`,
  ]);
  const path = stdout.trim().split('\n').at(-1) ?? '';
  const found = await realpath(`${SHARE_DISK}${path}/${folder}`).catch(() => undefined);
  if (path.startsWith('/') && found?.startsWith(`${SHARE_DISK}/`) === true) return found;
  throw failure(2, `No such file or directory`);
}

/** The kernel refuses the same file system twice on one mount point. */
async function isMountedOn(target: string, source: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  if (!mounts.split('\n').some((line) => line.split(' ')[1] === target)) return false;
  const [there, here] = await Promise.all([stat(target), stat(source)]);
  return there.dev === here.dev && there.ino === here.ino;
}

function failure(number: number, text: string): MountRefusal {
  return new MountRefusal(`mount error(${number}): ${text}\n${MANUAL}`, 32);
}

try {
  await main();
} catch (error) {
  const refusal = error instanceof MountRefusal ? error : failure(5, 'Input/output error');
  if (error instanceof RolloutError) console.error(error.message);
  console.error(refusal.message);
  process.exitCode = refusal.exitCode;
}
