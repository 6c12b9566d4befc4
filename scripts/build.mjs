// Builds dist/ from nothing: compiled sources and tests, the workflow bundle, the JSON Schema for editors, the
// error codes in docs/recovery.md, the manual page. The demo and the
// sweep have builds of their own, because their labs live on while others build and test.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { ask, done, runScript, setQuiet, show, Stop } from './say.mjs';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Where the demo's lab runs from. */
export const demoBuild = join(root, '.build/demo');

/** Where the sweep and its labs run from. */
export const sweepBuild = join(root, '.build/sweep');

/** Wipes the folder and compiles into it, strictly type-checked. */
export async function compile(folder = dist) {
  refuseWhileUsed(folder);
  rmSync(folder, { recursive: true, force: true });
  const target = ['--outDir', folder, '--tsBuildInfoFile', join(folder, 'tsconfig.tsbuildinfo')];
  const code = await show(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', root, ...target]);
  if (code !== 0) throw new Stop('the type check failed');
  const client = join(folder, 'src/client.js');
  if (existsSync(client)) chmodSync(client, 0o755);
  done('compiled');
}

/**
 * A lab starts programs of its build as long as it lives: without them its mail servers would answer nothing.
 *
 * @throws Stop that names the processes and how to end them
 */
export function refuseWhileUsed(folder) {
  const users = processesFrom(folder);
  if (users.length === 0) return;
  throw new Stop(
    `${folder} is in use by ${users.length} processes, such as ${users[0]}. A lab ends with: npm run demo:down` +
      ' (one in another folder with: icewarp-rollout lab down --dir FOLDER)',
  );
}

/** The numbers of the processes that run a program of that build. */
export function processesFrom(folder) {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words.some((word) => word.startsWith(`${folder}/src/`));
    } catch {
      return false; // it has ended
    }
  });
}

/**
 * Bundles the workflows; workers and tests run these files. Fails when a workflow reaches for Node built-ins. The second
 * file is for workers that encrypt: its errors have no words in the open.
 */
export async function bundle(folder = dist) {
  const workflowsPath = join(folder, 'src/workflows/index.js');
  if (!existsSync(workflowsPath)) throw new Stop('there is no src/workflows/index.ts to bundle');
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const failureConverterPath = join(folder, 'src/temporal/failure-converter.cjs');
  for (const [name, how] of [
    ['workflow-bundle', {}],
    ['workflow-bundle-encrypted', { failureConverterPath }],
  ]) {
    const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN'), ...how });
    writeFileSync(join(folder, `src/${name}.js`), code);
  }
  done('workflow bundles');
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

/**
 * Writes down what ships (CycloneDX), from the lockfile alone: asks no registry. npm lists everything, because it leaves
 * out with `--omit=dev` what development needs as well; the lockfile tells what ships.
 */
export function writeSbom() {
  const args = ['--prefix', root, 'sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'];
  const { ok, out, why } = ask('npm', args, { seconds: 120 });
  if (!ok) throw new Stop(`npm sbom: ${why}`);
  const { components, dependencies, ...about } = JSON.parse(out);
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const ships = new Set(
    Object.entries(packages)
      .filter(([place, { dev, devOptional }]) => place !== '' && !dev && !devOptional)
      .map(([place, { name, version }]) => `${name ?? place.split('node_modules/').at(-1)}@${version}`),
  );
  const kept = components.filter((one) => ships.has(`${one.name}@${one.version}`));
  const missing = [...ships].filter((one) => !kept.some(({ name, version }) => `${name}@${version}` === one));
  if (missing.length > 0) throw new Stop(`npm sbom does not list ${missing.join(', ')}`);
  const refs = new Set([about.metadata.component['bom-ref'], ...kept.map((one) => one['bom-ref'])]);
  const among = dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
  const list = { ...about, components: kept, dependencies: among };
  writeFileSync(join(dist, 'sbom.cdx.json'), `${JSON.stringify(list, null, 2)}\n`);
  done('dist/sbom.cdx.json');
}

/** Writes the explanations of error codes into docs/recovery.md, where people look for them. */
export async function exportHandbook() {
  const module = join(dist, 'src/cluster/handbook/handbook.js');
  const { withHandbook } = await import(pathToFileURL(module).href);
  const file = join(root, 'docs/recovery.md');
  const before = readFileSync(file, 'utf8');
  const now = withHandbook(before);
  if (now !== before) writeFileSync(file, now);
  done('docs/recovery.md');
}

/** Writes the manual page, which an installation of the package puts where `man` finds it. */
export async function writeManPage() {
  const { programWith } = await import(pathToFileURL(join(dist, 'src/cli/program.js')).href);
  const { manPage } = await import(pathToFileURL(join(dist, 'src/cli/man-page.js')).href);
  const nothing = async () => 0;
  writeFileSync(
    join(dist, 'src/icewarp-rollout.1'),
    manPage(programWith({ worker: nothing, recover: { node: nothing, rollout: nothing } })),
  );
  done('manual page');
}

/** All of it. */
export async function build() {
  await compile();
  await bundle();
  await exportSchema();
  writeSbom();
  await exportHandbook();
  await writeManPage();
}

/** A build for what runs longer than others leave dist/ alone; one that is in use stays, whatever the sources say by now. */
export async function buildApart(folder) {
  if (processesFrom(folder).length > 0) return done(`${folder} is in use and stays as it is`);
  await compile(folder);
  await bundle(folder);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  setQuiet(process.argv.includes('--quiet'));
  await runScript(build);
}
