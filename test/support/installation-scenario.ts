/**
 * Run by a test on a machine of its own: installs, fails to install, is cut short, and takes everything away again,
 * with an installer that behaves like IceWarp's. Prints what happened, as JSON.
 */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';

import { installation, type InstallationDesired } from '../../src/activities/installation.js';
import { runningModules } from '../../src/icewarp/control.js';
import { linux } from '../../src/platform/linux.js';
import { runCommand } from '../../src/platform/run.js';
import { sha256Of } from '../../src/platform/vault.js';
import { testContext } from './context.js';
import { fakeIceWarp } from './fake-icewarp.js';

const DIRECTORY = '/run/icewarp';
const TEMPLATE = '/run/template';
const INSTALLER = '/run/install.sh';

/** Always exits 0. A file `/run/fail-<step>` makes it stop there. */
const SCRIPT = `#!/bin/sh
echo "$*" > /run/arguments
(
  [ -e ${DIRECTORY} ] && [ ! -e /etc/icewarp/icewarp.conf ] && { echo 'code 2' >&2; exit 2; }
  cp -a ${TEMPLATE} ${DIRECTORY}
  [ -e /run/fail-copy ] && exit 1
  mkdir -p /etc/icewarp
  printf 'IWS_INSTALL_DIR="${DIRECTORY}"\\nIWS_VERSION="14.2.0.1"\\nIWS_PROCESS_USER="mail"\\n' > /etc/icewarp/icewarp.conf
  printf '#!/bin/sh\\n### BEGIN INIT INFO\\n# Provides: icewarp\\n# Required-Start:\\n# Required-Stop:\\n# Default-Start: 2 3\\n# Default-Stop: 0\\n### END INIT INFO\\n' > /etc/init.d/icewarp
  chmod 755 /etc/init.d/icewarp
  update-rc.d icewarp defaults
  ${DIRECTORY}/icewarpd.sh --start
) 2> "$HOME/icewarp-install-error.log" | tee "$HOME/icewarp-install.log"
exit 0
`;

process.env['HOME'] = '/run/home';
const results: Record<string, unknown> = {};

async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return (await work()) ?? 'done';
  } catch (error) {
    return (error as { code?: unknown }).code ?? String(error);
  }
}

async function machine(): Promise<string> {
  const { stdout } = await runCommand('find', ['/etc', '/run/home', DIRECTORY, '-printf', '%p %y\n'], {
    accept: [0, 1],
  });
  return stdout.split('\n').sort().join('\n');
}

async function main(): Promise<void> {
  const context = await testContext({}, linux);
  const installer = { path: INSTALLER, sha256: sha256Of(SCRIPT), arguments: ['--fast'] };
  Object.assign(context.agent.config, { installers: { icewarp: installer } });
  await fakeIceWarp(TEMPLATE);
  await mkdir('/run/home');
  await writeFile(INSTALLER, SCRIPT, { mode: 0o755 });
  const desired: InstallationDesired = { installer: 'icewarp', directory: DIRECTORY, user: 'mail' };
  const apply = (changes: Partial<InstallationDesired> = {}): Promise<unknown> =>
    outcome(() => installation.apply({ ...desired, ...changes }, context));
  const check = async (changes: Partial<InstallationDesired> = {}): Promise<readonly unknown[]> =>
    installation.diff({ ...desired, ...changes }, await installation.observe(desired, context));

  const empty = await machine();
  const before = await installation.observe(desired, context);
  results['before'] = before;
  results['unknown installer'] = await apply({ installer: 'other' });
  await writeFile(INSTALLER, `${SCRIPT}# changed\n`);
  results['another file'] = await apply();
  await writeFile(INSTALLER, SCRIPT);

  await writeFile('/run/fail-copy', '');
  results['failed'] = await apply();
  await rm('/run/fail-copy');
  results['unfinished'] = (await installation.observe(desired, context)) ?? null;
  results['again'] = await apply();
  results['arguments'] = (await readFile('/run/arguments', 'utf8')).trim();
  results['converged'] = await check();
  results['running'] = await runningModules(DIRECTORY);
  results['starts at boot'] = await linux.services.startsAtBoot('icewarp', context.signal);
  results['another build'] = await apply({ build: '14.3' });
  results['another build is a change'] = (await check({ build: '14.3' })).length;

  results['restored'] = await installation.restore(desired, before, context);
  results['as before'] = (await machine()) === empty;
  results['state left'] = await stat(`${context.agent.config.stateDir}/installation.json`).then(
    () => true,
    () => false,
  );

  await mkdir(DIRECTORY);
  await writeFile(`${DIRECTORY}/path.dat`, '/mnt/config/\n');
  results['joined'] = await apply();
  await rm(DIRECTORY, { recursive: true });

  await apply();
  await mkdir(`${DIRECTORY}/mail/example.com`, { recursive: true });
  await writeFile(`${DIRECTORY}/mail/example.com/1.imap`, 'mail');
  results['with mail'] = await installation.restore(desired, before, context);
  results['mail'] = await readFile(`${DIRECTORY}/mail/example.com/1.imap`, 'utf8');

  const note = `${context.agent.config.stateDir}/installation.json`;
  await writeFile(note, JSON.stringify({ finished: false, ours: [DIRECTORY] }));
  results['unfinished with mail'] = await apply();
  results['mail of the unfinished'] = await readFile(`${DIRECTORY}/mail/example.com/1.imap`, 'utf8');
  await writeFile(note, JSON.stringify({ finished: true, ours: [] }));
  results['in a folder of before'] = await installation.restore(desired, before, context);
  await context.remove();
}

await main();
process.stdout.write(JSON.stringify(results));
