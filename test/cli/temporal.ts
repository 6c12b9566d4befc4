import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll } from '@jest/globals';

import { cluster, environment } from '../workflows/harness.js';
import { begin, type Ran, type Running } from './command-line.js';

let folder: string;

/** A folder for the cluster files of a test file. */
export function useFolder(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-cli-'));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true });
  });
}

/** Writes the file of the running test's cluster. JSON is YAML as well. */
export async function clusterFile(): Promise<string> {
  const file = join(folder, `${cluster.name}.yaml`);
  await writeFile(file, JSON.stringify(cluster));
  return file;
}

/** What else the environment of commands says. */
let variables: Readonly<Record<string, string>> = {};

/** The environment of commands that are begun from now on says this as well. */
export function useVariables(others: Readonly<Record<string, string>>): void {
  variables = others;
}

/** Starts a command on the running test's cluster and Temporal server. */
export async function beginOn(command: string, ...flags: string[]): Promise<Running> {
  return begin([command, await clusterFile(), ...flags], {
    TEMPORAL_ADDRESS: environment.address,
    TEMPORAL_NAMESPACE: environment.client.options.namespace,
    TEMPORAL_UI_ADDRESS: 'http://127.0.0.1:1',
    ...variables,
  });
}

/** Runs a command on the running test's cluster to its end. */
export async function runOn(command: string, ...flags: string[]): Promise<Ran> {
  return (await beginOn(command, ...flags)).ended;
}
