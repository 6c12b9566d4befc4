// The Debian packages that the lab runs on: database, share, balancer, mail protocols, and tools of the tests.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { ask, done, problem, Stop, working } from './say.mjs';

const PACKAGES = [
  'mariadb-server',
  'samba',
  'smbclient',
  'haproxy',
  'dovecot-imapd',
  'dovecot-pop3d',
  'dovecot-mysql',
  'dovecot-sqlite',
  'cifs-utils',
  'sqlite3',
  'e2fsprogs',
  'strace',
  'rsync',
  'sshfs',
  'openssh-sftp-server',
  'nftables',
  'faketime',
  'exfat-fuse',
  'exfatprogs',
  'dnsmasq-base',
  'openssl',
  'redis-server',
  'php-cli',
  'php-redis',
];

/** The system services those packages bring. The lab starts its own processes and needs none of them. */
const SERVICES = ['mariadb', 'smbd', 'nmbd', 'samba-ad-dc', 'haproxy', 'dovecot', 'redis-server'];

/** A package's installer asks this script before it starts a service; 101 means "no". */
const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY = '#!/bin/sh\n# Temporary: icewarp-rollout installs packages whose services must not start.\nexit 101\n';
const TWENTY_MINUTES = 1200;

/** Installs what is missing as root; otherwise stops and prints the command. */
export function ensureDebianPackages() {
  const missing = missingPackages(PACKAGES);
  if (missing.length > 0) {
    if (!canInstall()) throw new Stop(`Debian packages are missing. As root: ${installCommand(missing)}`);
    working(`Debian packages: installing ${missing.join(' ')}`);
    const why = installPackages(missing);
    if (why !== '') throw new Stop(`apt-get failed: ${why}. By hand, as root: ${installCommand(missing)}`);
    remindOfServices();
  }
  done('Debian packages');
}

/** Whether packages can be installed from here. */
export function canInstall() {
  return process.getuid?.() === 0 && ask('apt-get', ['--version']).ok;
}

/**
 * Installs packages without letting their services start.
 *
 * @returns why it failed in one line; empty when everything is installed
 */
export function installPackages(names) {
  return withoutServices(() => {
    const first = tryInstall(names);
    // Once more with fresh lists: a mirror may change between `update` and `install`.
    return first === '' ? '' : tryInstall(names);
  });
}

function missingPackages(names) {
  const { absent, out } = ask('dpkg-query', ['--show', '--showformat=${Package} ${db:Status-Status}\n', ...names]);
  if (absent) {
    throw new Stop(`this is not Debian: install what these packages hold by hand: ${names.join(' ')}`);
  }
  const installed = new Set(
    out
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

function tryInstall(names) {
  const options = { seconds: TWENTY_MINUTES, env: { DEBIAN_FRONTEND: 'noninteractive' } };
  // A list that could not be refreshed may still be good enough, so `update` may fail.
  const update = ask('apt-get', ['update', '-qq'], options);
  const install = ask('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], options);
  if (install.ok) return '';
  return update.ok ? install.why : `${install.why} (apt-get update: ${update.why})`;
}

function withoutServices(action) {
  // Ours also when an earlier run was killed before it could take it away.
  const ours = !existsSync(POLICY_FILE) || readFileSync(POLICY_FILE, 'utf8') === POLICY;
  if (!ours) return action();
  const remove = () => rmSync(POLICY_FILE, { force: true });
  process.once('exit', remove);
  // Without a listener Ctrl-C would end this process before it can take the file away.
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  try {
    writeFileSync(POLICY_FILE, POLICY, { mode: 0o755 });
    return action();
  } finally {
    remove();
  }
}

function remindOfServices() {
  if (!existsSync('/run/systemd/system')) return;
  problem(`note: the lab needs no system services; they start at the next boot unless you disable them:
  systemctl disable ${SERVICES.join(' ')}`);
}

function installCommand(names) {
  return `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`;
}
