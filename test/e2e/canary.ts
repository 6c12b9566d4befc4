import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import { MACHINES, SECRETS, type Lab, type MachineName } from '../../src/lab/lab.js';

/** The forms in which a secret could hide. */
function forms(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('hex'),
  ];
}

/** What is searched on each machine: logs of agents, servers and IceWarp, and what the installer left. */
const LOGS = ['var/log', 'var/lib/icewarp/logs', 'opt/icewarp/logs', 'opt/icewarp/var'];
const INSTALL_LOG = /^icewarp-install(-error)?\.log$/;

/** The logs on a machine's disk. */
export function logsOf(lab: Lab, name: MachineName): string[] {
  const { disk } = lab.machine(name);
  const home = filesBelow(join(disk, 'root')).filter((file) => INSTALL_LOG.test(basename(file)));
  return [...LOGS.flatMap((folder) => filesBelow(join(disk, folder))), ...home];
}

/**
 * Where a secret is found although it must not be: Temporal's database, logs, what commands printed.
 *
 * @param others secrets besides the lab's own, by their names.
 */
export function leaks(lab: Lab, printed: string, others: Readonly<Record<string, string>> = {}): string[] {
  const texts = new Map<string, Buffer>([['what the commands printed', Buffer.from(printed)]]);
  for (const file of readdirSync(lab.directory)) {
    if (file.startsWith('temporal')) texts.set(file, readFileSync(join(lab.directory, file)));
  }
  for (const name of MACHINES) {
    for (const file of logsOf(lab, name)) texts.set(`${name}: ${file}`, readFileSync(file));
  }
  const secrets = { ...Object.fromEntries(SECRETS.map((name) => [name, lab.secret(name)])), ...others };
  return Object.entries(secrets).flatMap(([name, secret]) =>
    forms(secret).flatMap((form) =>
      [...texts].filter(([, text]) => text.includes(form)).map(([place]) => `${name} in ${place}`),
    ),
  );
}

function filesBelow(folder: string): string[] {
  const names = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [];
  return names.flatMap((name) => {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return stat.isDirectory() ? filesBelow(path) : stat.isFile() ? [path] : [];
  });
}
