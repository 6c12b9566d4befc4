import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { MACHINES, SECRETS, type Lab } from '../../src/lab/lab.js';

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

/** Where a secret of the lab is found although it must not be: Temporal's database, logs, what commands printed. */
export function leaks(lab: Lab, printed: string): string[] {
  const texts = new Map<string, Buffer>([['what the commands printed', Buffer.from(printed)]]);
  for (const file of readdirSync(lab.directory)) {
    if (file.startsWith('temporal')) texts.set(file, readFileSync(join(lab.directory, file)));
  }
  for (const name of MACHINES) {
    for (const file of filesBelow(join(lab.machine(name).disk, 'var/log')))
      texts.set(`${name}: ${file}`, readFileSync(file));
    for (const file of filesBelow(join(lab.machine(name).disk, 'var/lib/icewarp/logs')))
      texts.set(`${name}: ${file}`, readFileSync(file));
  }
  return SECRETS.flatMap((secret) =>
    forms(lab.secret(secret)).flatMap((form) =>
      [...texts].filter(([, text]) => text.includes(form)).map(([place]) => `${secret} in ${place}`),
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
