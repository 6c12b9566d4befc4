import { pathScan, type PathScanInput } from '../../../src/activities/path-scan.js';
import { testContext } from '../../support/context.js';

/** Runs the search on the machine that it is started on, and prints what it found. */
const context = await testContext();
try {
  const input = JSON.parse(process.argv[2] ?? '') as PathScanInput;
  console.log(JSON.stringify(await pathScan.run(input, context)));
} finally {
  await context.remove();
}
