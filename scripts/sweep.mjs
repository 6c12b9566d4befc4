// `npm run test:sweep [-- OPTIONS]`: rollouts that are killed at every step, against one that nobody disturbs. Takes hours.
import { join } from 'node:path';

import { bootstrap } from './bootstrap.mjs';
import { buildApart, sweepBuild } from './build.mjs';
import { runScript, show } from './say.mjs';

await runScript(async () => {
  await bootstrap({ ownTemporal: true });
  await buildApart(sweepBuild);
  process.exitCode = await show(process.execPath, [join(sweepBuild, 'test/sweep/main.js'), ...process.argv.slice(2)]);
});
