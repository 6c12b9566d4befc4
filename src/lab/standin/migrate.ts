import { appendFileSync, readFileSync } from 'node:fs';

import { reasonOf } from './file-errors.js';
import { readLabMachine } from './machine.js';
import { migrateRows } from './migration.js';
import { connect } from './server-databases.js';
import { loadServer } from './server.js';

/** What the stand-in's PHP hands on: the four arguments of `MigrateDatabase`. */
interface Call {
  readonly sourcedsn: string;
  readonly destdsn: string;
  readonly logfile: string;
  readonly index: number;
}

/** The body of `IceWarpAPI::MigrateDatabase`, for api.php. Its exit code is the answer. */
const { sourcedsn, destdsn, logfile, index } = JSON.parse(readFileSync(0, 'utf8')) as Call;
const log = (line: string): void => appendFileSync(logfile, `${new Date().toISOString()} ${line}\n`, { mode: 0o600 });
try {
  const server = loadServer();
  const [source, destination] = [await connect(server, sourcedsn), await connect(server, destdsn)];
  try {
    await migrateRows(source, destination, String(index), readLabMachine().migration ?? {}, log);
  } finally {
    await source.close();
    await destination.close();
  }
} catch (error) {
  log(`failed: ${reasonOf(error)}`);
  process.exitCode = 1;
}
