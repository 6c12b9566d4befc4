// Builds dist/ from nothing: compiled sources and tests, the workflow bundle, the JSON Schema for editors.
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { done, runScript, setQuiet, show, Stop } from './say.mjs';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Wipes dist and compiles, strictly type-checked. */
export async function compile() {
  rmSync(dist, { recursive: true, force: true });
  const code = await show(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root]);
  if (code !== 0) throw new Stop('the type check failed');
  const client = join(dist, 'src/client.js');
  if (existsSync(client)) chmodSync(client, 0o755);
  done('compiled');
}

/** Bundles the workflows once; workers and tests run this file. Fails when a workflow reaches for Node built-ins. */
export async function bundle() {
  const workflowsPath = join(dist, 'src/workflows/index.js');
  if (!existsSync(workflowsPath)) throw new Stop('there is no src/workflows/index.ts to bundle');
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  writeFileSync(join(dist, 'src/workflow-bundle.js'), code);
  done('workflow bundle');
}

/** Writes schema/cluster.schema.json, which editors use to check a cluster file while it is typed. */
export async function exportSchema() {
  const module = join(dist, 'src/cluster/json-schema.js');
  if (!existsSync(module)) return;
  const { clusterJsonSchema } = await import(pathToFileURL(module).href);
  const { format, resolveConfig } = await import('prettier');
  const file = join(root, 'schema/cluster.schema.json');
  const options = await resolveConfig(file);
  const text = await format(JSON.stringify(clusterJsonSchema()), { ...options, filepath: file });
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  done('schema/cluster.schema.json');
}

/** All of it. */
export async function build() {
  await compile();
  await bundle();
  await exportSchema();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  setQuiet(process.argv.includes('--quiet'));
  await runScript(build);
}
