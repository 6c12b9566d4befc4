import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import { refreshDirectoryCache } from './directory-cache.js';
import { reasonOf } from './file-errors.js';
import { LiveServer } from './live-server.js';
import { pidFile } from './modules.js';
import { isRefreshPending } from './refresh-request.js';
import { log } from './service-log.js';
import { openAccountsDatabase } from './server-databases.js';
import { serverId, type Server } from './server.js';
import { becomeUser } from './system-user.js';
import { startWatchdog } from './start-watchdog.js';

const DEFAULT_MASTER_PERIOD = 5;
const REQUEST_PERIOD = 1000;
/** Milliseconds between a request and the walk: a refresh is scheduled, not done. */
const REFRESH_DELAY = 3000;
/** Rows of the master job that are kept. */
const KEPT_PERIODS = 1000;

const live = LiveServer.start('control', (server) => {
  log(server, 'control', 'the configuration changed: new settings are in effect');
  return Promise.resolve();
});

/** The job that only one node may do (path.dat line 14 = 0): one row per period, so that two masters show as two rows. */
async function runMasterJob(server: Server, period: number): Promise<void> {
  if (server.installation.pathDat.slave !== '0') return;
  const database = await openAccountsDatabase(server);
  try {
    const now = Math.floor(Date.now() / 1000 / period);
    await database.run('DELETE FROM MasterJobs WHERE period < ?', [now - KEPT_PERIODS]);
    await database.run('INSERT INTO MasterJobs (period, server_id, host) VALUES (?, ?, ?)', [
      now,
      serverId(server),
      hostname(),
    ]);
  } finally {
    await database.close();
  }
}

async function answerRequests(server: Server): Promise<void> {
  if (!isRefreshPending(server.installation)) return;
  await sleep(REFRESH_DELAY);
  await refreshDirectoryCache(live.current);
  log(server, 'control', 'the directory cache was refreshed');
}

/** Does something again and again, never twice at the same time; a failure is logged and does not end it. */
async function forever(pause: () => number, work: (server: Server) => Promise<void>): Promise<never> {
  for (;;) {
    await sleep(pause());
    await work(live.current).catch((error: unknown) => log(live.current, 'control', `failed: ${reasonOf(error)}`));
  }
}

const { installation, machine } = live.current;
const period = machine.masterPeriod ?? DEFAULT_MASTER_PERIOD;
writeFileSync(pidFile(installation, 'control'), `${process.pid}\n`);
// before this process gives up the rights with which modules are started
if (machine.watchdogPeriod !== undefined) startWatchdog(live.current);
becomeUser(installation.processUser);
log(live.current, 'control', 'started');
void forever(
  // Until the middle of the next period, so that no period is met twice or missed.
  () => (period - ((Date.now() / 1000 + period / 2) % period)) * 1000,
  (server) => runMasterJob(server, period),
);
void forever(
  () => REQUEST_PERIOD,
  (server) => answerRequests(server),
);
