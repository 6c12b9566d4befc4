// `npm run demo`: a complete rollout on this machine, from nothing. `npm run demo:down` ends what it leaves running.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { bootstrap } from './bootstrap.mjs';
import { buildApart, demoBuild } from './build.mjs';
import { done, runScript, show } from './say.mjs';

const CLIENT = 'src/client.js';
const [verb, ...flags] = process.argv.slice(2);

await runScript(verb === 'down' ? () => down(flags) : () => up(process.argv.slice(2)));

async function up(args) {
  await bootstrap();
  await buildApart(demoBuild);
  process.exitCode = await show(process.execPath, [join(demoBuild, CLIENT), 'lab', 'demo', ...args]);
}

async function down(args) {
  const builds = [demoBuild, resolve(import.meta.dirname, '../dist')];
  const build = builds.find((folder) => existsSync(join(folder, CLIENT)));
  if (build === undefined) done('nothing is built here, so no lab can run');
  else process.exitCode = await show(process.execPath, [join(build, CLIENT), 'lab', 'down', ...args]);
}
