// `npm run demo`: a complete rollout on this machine, from nothing.
import { join, resolve } from 'node:path';

import { bootstrap } from './bootstrap.mjs';
import { build } from './build.mjs';
import { runScript, show } from './say.mjs';

const client = join(resolve(import.meta.dirname, '..'), 'dist/src/client.js');

await runScript(async () => {
  await bootstrap();
  await build();
  process.exitCode = await show(process.execPath, [client, 'lab', 'demo', ...process.argv.slice(2)]);
});
