import { runCommand } from '../../src/platform/run.js';

/** What a machine has of its own: everything that the share's steps change. */
const OWN_FOLDERS = ['/run', '/var/lib/samba', '/var/cache/samba', '/var/log/samba'];

/**
 * Runs a compiled script on a machine of its own: mounts and processes in namespaces, a copy of /etc, nothing of the
 * host's changed. Everything that the script starts ends with it.
 *
 * @param network `own`: a network namespace too, in which nothing is up yet.
 * @returns what the script printed, as JSON.
 */
export async function onOwnMachine(
  script: string,
  { network = 'host' }: { readonly network?: 'host' | 'own' } = {},
): Promise<Record<string, unknown>> {
  const boot = [
    'set -e',
    'mount -t tmpfs -o mode=700 tmpfs /mnt',
    'cp -a /etc/. /mnt/',
    'mount --move /mnt /etc',
    'chmod 755 /etc',
    ...OWN_FOLDERS.map((folder) => `mkdir -p ${folder}; mount -t tmpfs -o mode=755 tmpfs ${folder}`),
    'mkdir -p /run/samba /run/lock /var/lib/samba/private',
    'exec "$@"',
  ].join('\n');
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
  if (network === 'own') namespaces.push('--net');
  // The script must not be the first process of the machine, which no signal ends and whose children nobody buries.
  const command = ['sh', '-c', boot, 'boot', 'sh', '-c', '"$@"; exit $?', 'run', process.execPath, script];
  const { stdout } = await runCommand('unshare', [...namespaces, ...command], { timeout: 100_000 });
  return JSON.parse(stdout) as Record<string, unknown>;
}
