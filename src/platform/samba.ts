import { RolloutError } from '../cluster/errors.js';
import { runCommand } from './run.js';

/** Milliseconds for a command that talks to the share server. */
const TIMEOUT = 30_000;

/** Where the share server listens. */
export interface ShareServer {
  readonly host: string;
  readonly port: number;
}

/** Whether Samba has an account of this name. */
export async function sambaAccountExists(user: string, signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await runCommand('pdbedit', ['--list', '--user', user], { signal, accept: [0, 1, 255] });
  return exitCode === 0;
}

/** Makes the Samba account of an existing OS user, or gives it another password. */
export async function setSambaPassword(user: string, password: string, signal: AbortSignal): Promise<void> {
  // The password goes to standard input, twice, as to a person.
  await runCommand('smbpasswd', ['-s', '-a', user], { signal, input: `${password}\n${password}\n` });
}

export async function removeSambaAccount(user: string, signal: AbortSignal): Promise<void> {
  await runCommand('pdbedit', ['--delete', '--user', user], { signal });
}

/**
 * Logs on to the share server over the network and asks who it is: a server that maps wrong passwords to a guest lets
 * everybody in, but not as this user.
 *
 * @throws RolloutError SHARE_UNREACHABLE when nobody answers there.
 */
export async function sambaLogonWorks(
  { host, port }: ShareServer,
  user: string,
  password: string,
  signal: AbortSignal,
): Promise<boolean> {
  // No configuration file: the answer must not depend on this machine's smb.conf.
  const client = ['--configfile=/dev/null', '--use-kerberos=off', '--user', user, '--port', `${port}`];
  const { exitCode, stdout, stderr } = await runCommand('rpcclient', [...client, '--command=getusername', host], {
    signal,
    timeout: TIMEOUT,
    input: password,
    env: { PASSWD_FD: '0' },
    accept: [0, 1],
  });
  if (exitCode === 0) return new RegExp(`^Account Name: ${user},`, 'im').test(stdout);
  if (/NT_STATUS_(LOGON_FAILURE|ACCESS_DENIED|ACCOUNT_|WRONG_PASSWORD|NO_SUCH_USER)/.test(stdout + stderr))
    return false;
  throw new RolloutError('SHARE_UNREACHABLE', `the share server ${host}:${port} does not answer`, { cause: stderr });
}

/** Whether Samba can read a configuration file. */
export async function sambaAccepts(file: string, signal: AbortSignal): Promise<boolean> {
  const { exitCode } = await runCommand('testparm', ['--suppress-prompt', file], { signal, accept: [0, 1, 255] });
  return exitCode === 0;
}

/** Lets a running smbd read its configuration again; one that does not run reads it when it starts. */
export async function reloadSamba(signal: AbortSignal): Promise<void> {
  await runCommand('smbcontrol', ['smbd', 'reload-config'], { signal, accept: [0, 1] });
}
