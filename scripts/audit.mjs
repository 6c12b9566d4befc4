// `npm run audit:production`: asks the registry for advisories about what ships. Fails on those of severity high and
// critical; says so, and does not fail, where the registry does not answer. No part of `npm test`, which needs no network.
import { resolve } from 'node:path';

import { ask, done, problem, runScript, Stop } from './say.mjs';

const GRAVE = ['high', 'critical'];

process.chdir(resolve(import.meta.dirname, '..'));
await runScript(() => {
  const { out, why } = ask('npm', ['audit', '--omit=dev', '--json'], { seconds: 120 });
  const report = parsed(out);
  if (report?.vulnerabilities === undefined) {
    problem(`not checked: the registry has not answered (${report?.message ?? why})`);
    return;
  }
  const found = Object.values(report.vulnerabilities);
  const grave = found.filter(({ severity }) => GRAVE.includes(severity));
  if (grave.length > 0) {
    throw new Stop(
      `advisories about what ships: ${grave.map(({ name, severity }) => `${name} (${severity})`).join(', ')}`,
    );
  }
  done(`no advisory of severity high or critical about what ships; ${found.length} of others`);
});

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
