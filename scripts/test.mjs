// `npm test [-- PATTERN]`: bootstrap, gates, tests. The last line says `N passed, N failed`; a gate counts as one test.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { bootstrap } from './bootstrap.mjs';
import { bundle, compile, exportSchema, writeSbom } from './build.mjs';
import { done, problem, show, Stop } from './say.mjs';

const root = resolve(import.meta.dirname, '..');
const tool = (path) => join(root, 'node_modules', path);

/** What must hold before a test is worth running; a later gate runs even when an earlier one failed. */
const GATES = [
  ['type check', () => compile()],
  ['bundle', () => bundle()],
  ['schema', exportSchema],
  ['list of what ships', async () => writeSbom()],
  ['lint', () => run('lint', tool('eslint/bin/eslint.js'), ['--max-warnings', '0', '.'])],
  ['format', () => run('format', tool('prettier/bin/prettier.cjs'), ['--check', '--log-level', 'warn', '.'])],
];

/** Tests that start a whole lab each, with all its servers. */
const LABS = ['test/e2e/', 'test/lab/lab'];
/** A fault at a certain call needs threads that come to their calls as they did when it was chosen. */
const FAULTS = ['test/faults/'];
/**
 * One part after the other. Most tests wait for most of their time, for servers and for the product's own pauses: so
 * several for each of two processors. A lab keeps one processor busy, and its servers have time-outs: one at a time; a fault
 * is alone.
 */
const PARTS = [
  ['--maxWorkers=4', ...[...LABS, ...FAULTS].map((path) => `--testPathIgnorePatterns=/dist/${path}`)],
  ['--runInBand', ...matching(LABS)],
  ['--runInBand', ...matching(FAULTS)],
];

process.chdir(root);
const total = { passed: 0, failed: 0 };
/** What failed and its first words, told again at the end: a long log is read from there. */
const failures = [];
// Without what bootstrap installs nothing below can run.
if (await gate('bootstrap', () => bootstrap({ ownTemporal: true }))) {
  for (const [name, check] of GATES) await gate(name, check);
  const tests = await runTests(process.argv.slice(2));
  total.passed += tests.passed;
  total.failed += tests.failed;
}
for (const failure of failures) problem(failure);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;

/** Jest's options for the compiled tests below these paths. */
function matching(paths) {
  return paths.map((path) => `--testMatch=**/dist/${path}*.test.js`);
}

async function gate(name, check) {
  try {
    await check();
  } catch (error) {
    const why = `${name}: ${error instanceof Stop ? error.message : error.stack}`;
    problem(why);
    failures.push(why);
    total.failed += 1;
    return false;
  }
  done(name);
  total.passed += 1;
  return true;
}

async function run(name, script, args) {
  const code = await show(process.execPath, [script, ...args]);
  if (code !== 0) throw new Stop(`${name} ended with ${code}`);
}

/** Runs the compiled tests, one part after the other. */
async function runTests(args) {
  // People name the file they wrote; jest knows the compiled one.
  const patterns = args.map((argument) => argument.replace(/\.ts$/, '.js'));
  const sum = { passed: 0, failed: 0 };
  for (const options of PARTS) {
    const { passed, failed } = await runJest([...patterns, ...options]);
    sum.passed += passed;
    sum.failed += failed;
  }
  if (sum.passed + sum.failed > 0) return sum;
  problem('no test matches');
  return { passed: 0, failed: 1 };
}

/** A test file that cannot be loaded, and a jest that dies, count as one failure each. */
async function runJest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'icewarp-rollout-jest-'));
  const report = join(folder, 'report.json');
  try {
    const code = await show(process.execPath, [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      tool('jest/bin/jest.js'),
      ...args,
      '--passWithNoTests',
      '--json',
      `--outputFile=${report}`,
    ]);
    return countTests(report, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function countTests(report, code) {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
  for (const { name, assertionResults, message } of result.testResults) {
    const file = relative(root, name);
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'failed') failures.push(`${file}: ${fullName}: ${firstWords(failureMessages.join('\n'))}`);
    }
    if (assertionResults.length === 0 && message !== '') failures.push(`${file}: ${firstWords(message)}`);
  }
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  // For instance: a process that jest had to end.
  return { passed: result.numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
}

/** Enough of an error's text to tell it from others, without colours. */
function firstWords(text) {
  return stripVTControlCharacters(text).replace(/\s+/g, ' ').trim().slice(0, 400);
}
