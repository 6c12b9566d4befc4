import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { REGISTRATION_FILE } from './installation.js';
import { LAB_FILE } from './machine.js';

/** What the installer copies into the configuration, calendar and spam folders in force, replacing what is there. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'config/content.xml': '<content/>\n',
  'config/default/readme.txt': 'Templates of the stand-in.\n',
  'calendar/default/readme.txt': 'GroupWare defaults of the stand-in.\n',
  'spam/rules/local.cf': '# antispam rules of the stand-in\n',
};

/**
 * Writes the stand-in's installer: `install.sh` and its payload. Like IceWarp's it always exits 0, because its body
 * runs in a pipe to `tee`: whether it worked is seen in the version, `/etc/icewarp/icewarp.conf` and the logs (B9).
 */
export async function writeInstaller(
  directory: string,
  options: { readonly version: string },
): Promise<{ path: string; sha256: string }> {
  for (const [name, text] of Object.entries(DEFAULTS)) {
    const file = join(directory, 'payload', name);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  }
  const path = join(directory, 'install.sh');
  const script = installScript(options.version);
  await writeFile(path, script);
  await chmod(path, 0o755);
  return { path, sha256: createHash('sha256').update(script).digest('hex') };
}

function installScript(version: string): string {
  return `#!/bin/sh
# Installer of the icewarp-rollout stand-in ${version}: no IceWarp software is in it.
here=$(cd "$(dirname "$0")" && pwd)
field() { sed -n 's/.*"'"$1"'": *"\\([^"]*\\)".*/\\1/p' ${LAB_FILE}; }
node=$(field node)
dist=$(field dist)
"$node" "$dist/src/lab/standin/install.js" '${version}' "$here/payload" "$@" 2>"$HOME/icewarp-install-error.log" </dev/null |
  tee "$HOME/icewarp-install.log"
if [ -r ${REGISTRATION_FILE} ]; then
  . ${REGISTRATION_FILE}
  cp "$HOME"/icewarp-install*.log "$IWS_INSTALL_DIR/logs/setup"
fi
exit 0
`;
}
