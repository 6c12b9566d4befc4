import { appendFileSync, chownSync, mkdirSync } from 'node:fs';

import { reasonOf } from './file-errors.js';
import { logPath, serverId, type Server } from './server.js';

/** Appends a line to `<logs>/<ID>YYYYMMDD-00.log`; when that cannot be written, to standard error. */
export function log(server: Server, module: string, line: string): void {
  const now = new Date().toISOString();
  const text = `${now} [${module}] ${line}\n`;
  try {
    mkdirSync(logPath(server), { recursive: true });
    const file = `${logPath(server)}${serverId(server)}${now.slice(0, 10).replaceAll('-', '')}-00.log`;
    appendFileSync(file, text);
    // Services of both users write into it; the first line may be root's.
    const { uid, gid } = server.installation.processUser;
    if (process.getuid?.() === 0) chownSync(file, uid, gid);
  } catch (error) {
    process.stderr.write(`${text}${now} [${module}] the log cannot be written: ${reasonOf(error)}\n`);
  }
}
