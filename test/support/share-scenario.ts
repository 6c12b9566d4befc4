/**
 * Run by a test on a machine of its own: the share server's steps and a node's steps one after the other, on the real
 * commands and a real Samba, forth and back. Prints what happened, as JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, appendFile, chmod, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';

import { autostart } from '../../src/activities/autostart.js';
import { localFolders } from '../../src/activities/local-folders.js';
import { mount } from '../../src/activities/mount.js';
import { mounted } from '../../src/activities/mounted.js';
import { osUser, shareUser } from '../../src/activities/os-user.js';
import type { Resource } from '../../src/activities/resource.js';
import { shareAccount } from '../../src/activities/share-account.js';
import { shareExport } from '../../src/activities/share-export.js';
import { shareFolders } from '../../src/activities/share-folders.js';
import { shareProof } from '../../src/activities/share-proof.js';
import { shareSeen } from '../../src/activities/share-seen.js';
import { freePort } from '../../src/lab/ports.js';
import { linux } from '../../src/platform/linux.js';
import { runCommand } from '../../src/platform/run.js';
import { sambaAccountExists, sambaLogonWorks } from '../../src/platform/samba.js';
import { sha256Of } from '../../src/platform/vault.js';
import { testContext } from './context.js';
import { eventually } from './eventually.js';
import type { TestContext } from './context.js';

const HOST = '127.77.0.50';
const PORT = await freePort([HOST]);
const UID = 1543;
const USER = 'iwtest';
const ROOT = '/run/export/icewarp';
const TARGET = '/run/nodes/icewarp';
const PASSWORD = 'p%w "odd\' \\ 1';

const results: Record<string, unknown> = {};
const contexts: TestContext[] = [];

/** One step of a rollout: its resource with a context, and so a vault slot, of its own. */
interface Step {
  readonly name: string;
  check(): Promise<readonly unknown[]>;
  apply(): Promise<unknown>;
  /** Observes, applies twice, checks, and notes it all. */
  run(): Promise<void>;
  restore(): Promise<unknown>;
}

async function step<D, O>(name: string, resource: Resource<D, O>, desired: D): Promise<Step> {
  const context = await testContext({ share: PASSWORD, other: 'another' }, linux);
  contexts.push(context);
  let before: O | null = null;
  const check = async (): Promise<readonly unknown[]> =>
    resource.diff(desired, await resource.observe(desired, context));
  const apply = (): Promise<unknown> => outcome(() => resource.apply(desired, context));
  return {
    name,
    check,
    apply,
    run: async () => {
      before = await resource.observe(desired, context);
      const planned = resource.diff(desired, before).length;
      const first = await apply();
      const second = await apply();
      results[name] = { planned, first, second, left: await check(), small: JSON.stringify(before).length < 2_000 };
    },
    restore: () =>
      outcome(async () => {
        const kept = await resource.restore(desired, before, context);
        await resource.restore(desired, before, context);
        return kept;
      }),
  };
}

/** The result of an action, or its error's code. */
async function outcome(action: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await action()) ?? 'done';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** Everything that must be as before after going back. */
async function state(): Promise<Record<string, string>> {
  const files = [
    '/etc/passwd',
    '/etc/group',
    '/etc/shadow',
    '/etc/gshadow',
    '/etc/subuid',
    '/etc/fstab',
    '/etc/samba/smb.conf',
  ];
  const texts = await Promise.all(files.map(async (file) => [file, await readFile(file, 'utf8')] as const));
  const trees = await Promise.all(
    ['/run/export', '/run/nodes', '/run/local', '/etc/icewarp-rollout', '/etc/rc2.d'].map(
      async (root) =>
        [root, (await readdir(root, { recursive: true }).catch(() => ['absent'])).sort().join('\n')] as const,
    ),
  );
  return Object.fromEntries([...texts, ...trees]);
}

/** A Samba that serves nothing yet, a table without mounts, a mount.cifs that shows the folder, a SysV service. */
async function prepare(): Promise<void> {
  await writeFile(
    '/etc/samba/smb.conf',
    `[global]\n   interfaces = ${HOST}/8\n   bind interfaces only = yes\n   smb ports = ${PORT}\n   disable netbios = yes
   map to guest = bad password\n   load printers = no\n   disable spoolss = yes`,
  );
  await writeFile('/etc/fstab', '# nothing yet');
  await mkdir('/etc/icewarp-rollout');
  await mkdir('/run/export');
  await mountHelper(`exec mount --bind ${ROOT} "$2"`);
  await runCommand('mount', ['--bind', '/run/mount.cifs', '/usr/sbin/mount.cifs']);
  await writeFile(
    '/etc/init.d/iwtest',
    `#!/bin/sh\n### BEGIN INIT INFO\n# Provides: iwtest\n# Required-Start:
# Required-Stop:\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n### END INIT INFO\nexit 0\n`,
  );
  await chmod('/etc/init.d/iwtest', 0o755);
  await runCommand('update-rc.d', ['iwtest', 'defaults']);
  await runCommand('update-rc.d', ['iwtest', 'disable']);
}

async function mountHelper(command: string): Promise<void> {
  await writeFile('/run/mount.cifs', `#!/bin/sh\n${command}\n`);
  await chmod('/run/mount.cifs', 0o755);
}

async function startSamba(): Promise<() => void> {
  const smbd = spawn('smbd', ['--foreground', '--no-process-group'], { stdio: 'ignore', detached: true });
  await eventually('Samba answers', answers);
  return () => void smbd.kill('SIGKILL');
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(PORT, HOST);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function main(): Promise<void> {
  await prepare();
  const initial = await state();
  const user = { name: USER, uid: UID, gid: UID };
  const owner = { uid: UID, gid: UID };
  const account = { host: HOST, port: PORT, user: USER, password: { secret: 'share' } };
  const folders = ['config', 'mail'];
  const shared = folders.map((folder) => `${TARGET}/share/${folder}/`);
  const mountDesired = {
    source: `//${HOST}/icewarp`,
    port: PORT,
    target: TARGET,
    user: USER,
    ...owner,
    password: { secret: 'share' },
    cluster: 'lab',
  };
  const steps = {
    user: await step('shareUser', shareUser, user),
    folders: await step('shareFolders', shareFolders, { root: ROOT, folders, user: USER, ...owner, cluster: 'lab' }),
    export: await step('shareExport', shareExport, { name: 'icewarp', path: ROOT, user: USER }),
    account: await step('shareAccount', shareAccount, account),
    mount: await step('mount', mount, mountDesired),
    local: await step('localFolders', localFolders, {
      folders: ['/run/local/iw/temp/', '/run/local/iw/queues/_outgoing/', '/run/local/iw/queues/_outgoing/retry/'],
      ...owner,
    }),
    autostart: await step('autostart', autostart, { service: 'iwtest', enabled: true }),
  };
  const context = await testContext({ share: PASSWORD, other: 'another' }, linux);
  contexts.push(context);
  const { signal } = context;

  await steps.user.run();
  results['userOfAnotherNumber'] = await outcome(() => osUser.apply({ ...user, uid: 1544 }, context));
  results['numberOfAnotherUser'] = await outcome(() => osUser.apply({ ...user, name: 'iwother' }, context));
  await steps.folders.run();
  results['foreignShare'] = await outcome(() =>
    shareFolders.apply({ root: ROOT, folders, user: USER, ...owner, cluster: 'other' }, context),
  );
  const mail = await lstat(`${ROOT}/share/mail`);
  results['owner'] = `${mail.uid}:${mail.gid} ${(mail.mode & 0o777).toString(8)}`;
  await steps.export.run();
  const stopSamba = await startSamba();
  await steps.account.run();
  results['accountWithoutServer'] = await outcome(() => shareAccount.observe({ ...account, port: 1 }, context));
  results['wrongPassword'] = await sambaLogonWorks(account, USER, 'wrong', signal);
  results['accountOfSomebodyElse'] = await outcome(() =>
    shareAccount.apply({ ...account, password: { secret: 'other' } }, context),
  );
  const write = `//${HOST}/icewarp`;
  const smbclient = ['--configfile=/dev/null', '--user', USER, '--port', `${PORT}`, '--command'];
  await runCommand(
    'smbclient',
    [write, ...smbclient, 'put /etc/hostname share/mail/Case; put /etc/hostname share/mail/case'],
    {
      input: PASSWORD,
      env: { PASSWD_FD: '0' },
    },
  );
  results['written'] = (await readdir(`${ROOT}/share/mail`)).sort();

  await mountHelper('echo "mount error(13): Permission denied" >&2; exit 32');
  results['mountDenied'] = await steps.mount.apply();
  results['sealedPoint'] = ((await lstat(TARGET)).mode & 0o777).toString(8);
  results['undoOfFailedMount'] = await outcome(() => undoFresh(mountDesired, context));
  await mkdir('/run/empty');
  await mountHelper('exec mount --bind /run/empty "$2"');
  results['otherFolderMounted'] = await steps.mount.apply();
  results['stillMounted'] = await linux.mounts.mounted(TARGET);
  await undoFresh(mountDesired, context);
  await mountHelper(`exec mount --bind ${ROOT} "$2"`);
  results['mountedBefore'] = await outcome(() => mounted.apply({ target: TARGET, cluster: 'lab' }, context));
  await steps.mount.run();
  results['mountedAfter'] = await outcome(() => mounted.apply({ target: TARGET, cluster: 'lab' }, context));
  results['secretInTable'] = (await readFile('/etc/fstab', 'utf8')).includes(PASSWORD);
  results['credentialsMode'] = ((await lstat('/etc/icewarp-rollout/share-lab.credentials')).mode & 0o777).toString(8);

  const proof = { folders: shared, mount: TARGET, cluster: 'lab' };
  await shareProof.run({ ...proof, token: 't-A', ...owner }, context);
  await shareProof.run({ ...proof, token: 't-A', ...owner }, context);
  await shareProof.run({ ...proof, token: 't-B', ...owner }, context);
  const seen = { folders: shared, tokens: ['t-A', 't-B'], ...owner };
  results['seen'] = await outcome(() => shareSeen.run({ ...seen, remove: false }, context));
  results['removed'] = await outcome(() => shareSeen.run({ ...seen, remove: true }, context));
  results['proofByStranger'] = await outcome(() =>
    shareProof.run({ ...proof, token: 't-C', uid: 4_444, gid: 4_444 }, context),
  );
  results['proofOnLocalDisk'] = await outcome(() =>
    shareProof.run({ ...proof, ...owner, token: 't-D', mount: '/run/empty' }, context),
  );
  results['leftByProofs'] = (await readdir(`${ROOT}/share/config`)).sort();
  const nobodys = { folders: shared, tokens: ['t-nobody'], ...owner, remove: false };
  const neverSeen = outcome(() => shareSeen.run(nobodys, context));
  await steps.local.run();
  await steps.autostart.run();
  results['neverSeen'] = await neverSeen;

  await writeFile(`${ROOT}/share/mail/message.imap`, 'mail');
  await appendFile('/etc/samba/smb.conf', '# a comment of the administrator\n');
  const busy = spawn('sleep', ['60'], { uid: UID, gid: UID, stdio: 'ignore', cwd: '/' });
  results['userStillWorking'] = await steps.user.restore();
  busy.kill();
  await once(busy, 'exit');
  const back = [steps.autostart, steps.local, steps.mount, steps.account, steps.export, steps.folders, steps.user];
  const undone: Record<string, unknown> = {};
  for (const one of back) undone[one.name] = await one.restore();
  results['undone'] = undone;
  results['accountLeft'] = await sambaAccountExists(USER, signal);
  const after = await state();
  results['different'] = Object.keys(initial).filter((key) => initial[key] !== after[key]);
  results['smb.conf'] = after['/etc/samba/smb.conf']?.replace(initial['/etc/samba/smb.conf'] ?? '', '');
  results['share'] = after['/run/export'];
  await rm(`${ROOT}/share/mail`, { recursive: true });
  results['foldersOnceEmpty'] = await steps.folders.restore();
  results['rootGone'] = await access(ROOT).then(
    () => false,
    () => true,
  );
  stopSamba();
}

/** Takes back a mount that was absent before, through a fresh observation of an untouched machine. */
async function undoFresh(desired: Parameters<typeof mount.apply>[0], context: TestContext): Promise<unknown> {
  const found = await mount.observe(desired, context);
  if (found === null) return null;
  const table = '# nothing yet';
  await context.vault.keep(Buffer.from(table));
  const before = { ...found, sha256: sha256Of(table), block: 'absent', credentials: 'absent', point: null } as const;
  const kept = await mount.restore(desired, { ...before, mounted: false, parents: ['/run/nodes'] }, context);
  return { kept, table: (await readFile('/etc/fstab', 'utf8')) === table };
}

try {
  await main();
} catch (error) {
  results['crash'] =
    error instanceof Error
      ? `${error.stack ?? ''} ${String((error.cause as { stderr?: string } | undefined)?.stderr)}`
      : String(error);
} finally {
  await Promise.all(contexts.map((context) => context.remove()));
}
console.log(JSON.stringify(results));
