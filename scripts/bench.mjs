// `npm run bench -- NAME [OPTIONS]`: one of the benchmarks in bench/, as they were compiled by `npm run build`.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { runScript, show, Stop } from './say.mjs';

const root = resolve(import.meta.dirname, '..');
const NOT_ONE = 'harness.ts';

await runScript(async () => {
  const [name, ...options] = process.argv.slice(2);
  const names = readdirSync(join(root, 'bench'))
    .filter((file) => file.endsWith('.ts') && file !== NOT_ONE)
    .map((file) => file.slice(0, -'.ts'.length));
  if (!names.includes(name)) throw new Stop(`npm run bench -- NAME, where NAME is one of: ${names.join(', ')}`);
  const program = join(root, 'dist/bench', `${name}.js`);
  if (!existsSync(program)) throw new Stop('there is no build: npm run build');
  process.exitCode = await show(process.execPath, [program, ...options]);
});
