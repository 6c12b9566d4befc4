import { execFileSync } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { reasonOf } from './file-errors.js';
import { DEFAULT_DIRECTORY, openInstallation, REGISTRATION_FILE } from './installation.js';
import { installedScripts } from './installed-scripts.js';
import { readLabMachine } from './machine.js';
import { loadServer, logPath, mailPath } from './server.js';
import { MODULES } from './modules.js';
import { startModules, stopModules } from './services.js';
import { findUser } from './system-user.js';

/** Each node's own; nothing here runs PHP. */
const PHP_INI = `; PHP of the stand-in
[PHP]
extension=igbinary.so
extension=redis.so
[Session]
session.save_handler = files
`;

/** The body of `install.sh`: what it prints becomes the install log, what it complains about the error log. */
async function install(version: string, payload: string, words: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    // Flags are case-insensitive; a value is always the next argument.
    args: words.map((word) => (word.startsWith('-') ? word.toLowerCase() : word)),
    options: {
      auto: { type: 'boolean', short: 'a' },
      user: { type: 'string' },
      'install-dir': { type: 'string' },
    },
  });
  const directory = values['install-dir'] ?? DEFAULT_DIRECTORY;
  const user = findUser(values.user ?? 'root').name;
  console.log(`Installing the icewarp-rollout stand-in ${version} into ${directory} for user ${user}`);
  if (values.auto !== true) throw new Error('the stand-in can only be installed with --auto');
  await checkMachine(directory);

  if (existsSync(REGISTRATION_FILE)) await stopModules(openInstallation(), MODULES);
  const machine = readLabMachine();
  for (const [name, text] of Object.entries(installedScripts(machine, directory))) writeScript(name, text);
  register({
    IWS_INSTALL_DIR: directory,
    IWS_LIB_DIR: `${directory}/lib`,
    IWS_PROCESS_USER: user,
    IWS_VERSION: version,
  });
  copyDefaults(payload);
  console.log('Files are in place');
  while (machine.installWaitsFor !== undefined && !existsSync(machine.installWaitsFor)) await sleep(100);

  // "defaults" makes the links; the host's init system, if any, is not that of this machine.
  execFileSync('update-rc.d', ['icewarp', 'defaults'], { stdio: 'ignore' });
  console.log('Service icewarp added and enabled');
  const server = loadServer();
  giveToProcessUser([mailPath(server), logPath(server), `${directory}/temp`]);
  await startModules(server, MODULES);
  console.log(`IceWarp stand-in ${version} was installed and started`);
}

async function checkMachine(directory: string): Promise<void> {
  await lookup(hostname()).catch(() => {
    throw new Error('the name of this machine does not answer (code 2)');
  });
  if (existsSync(directory) && !existsSync(REGISTRATION_FILE)) {
    throw new Error(`${directory} exists, but ${REGISTRATION_FILE} does not (code 2)`);
  }
  if (readLabMachine().failInstall === 'disk') throw new Error('No space left on device');
}

function writeScript(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o755 });
}

function register(values: Readonly<Record<string, string>>): void {
  const lines = Object.entries({ ...values, IWS_PLATFORM: 'standin' }).map(([name, value]) => `${name}="${value}"\n`);
  mkdirSync(dirname(REGISTRATION_FILE), { recursive: true });
  writeFileSync(REGISTRATION_FILE, lines.join(''));
}

/** Copies the defaults to the folders IN FORCE: with a path.dat that names shared ones it overwrites those. */
function copyDefaults(payload: string): void {
  const installation = openInstallation();
  const targets = [
    ['config', installation.configPath],
    ['calendar', installation.calendarPath],
    ['spam', installation.spamPath],
  ] as const;
  for (const [part, target] of targets) cpSync(`${payload}/${part}`, target, { recursive: true, force: true });
  giveToProcessUser(targets.map(([, target]) => target));
  mkdirSync(`${installation.directory}/logs/setup`, { recursive: true });
  const phpIni = `${installation.directory}/php/php.ini`;
  if (existsSync(phpIni)) return;
  mkdirSync(dirname(phpIni), { recursive: true });
  writeFileSync(phpIni, PHP_INI);
}

function giveToProcessUser(folders: readonly string[]): void {
  const { uid, gid } = openInstallation().processUser;
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    if (process.getuid?.() === 0) chownSync(folder, uid, gid);
  }
}

const [version = '', payload = '', ...words] = process.argv.slice(2);
try {
  await install(version, payload, words);
} catch (error) {
  console.error(`Installation failed: ${reasonOf(error)}`);
  process.exitCode = 1;
}
