import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ensureStopped, MODULES } from '../../src/icewarp/control.js';

/** A folder that answers like an installation: `tool.sh` keeps values in files, services are sleeping processes. */
export interface FakeIceWarp {
  readonly directory: string;
  /** Sets what `tool get system` answers. */
  put(variable: string, value: string): Promise<void>;
  value(variable: string): Promise<string>;
  /** The command lines that `tool.sh` was given, oldest first. */
  calls(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const TOOL = `#!/bin/sh
home=$(dirname "$0")
printf '%s\\n' "$*" >> "$home/calls"
name=$(printf %s "$3" | tr A-Z a-z)
case "$1 $2" in
  'get system')
    [ -f "$home/vars/$name" ] || { echo "Unknown variable $3"; exit 1; }
    printf '%s: ' "$3"; cat "$home/vars/$name"; printf '\\r\\n' ;;
  'set system')
    [ -f "$home/vars/$name" ] || { echo "Unknown variable $3"; exit 1; }
    [ -f "$home/refuse" ] && { echo "refused $4"; exit 1; }
    [ "$4" = endless ] && exec sleep 600
    printf %s "$4" > "$home/vars/$name" ;;
  'get domain' | 'get account')
    [ -f "$home/$2/$name" ] || { echo "$2 $3 not found."; exit 1; }
    printf '%s: %s\\n' "$4" "$(cat "$home/$2/$name")" ;;
  'create domain' | 'create account')
    [ -f "$home/$2/$name" ] && { echo exists; exit 4; }
    [ "$5" = weak ] && exit 5
    printf %s "\${7:-0}" > "$home/$2/$name"; [ "$2" = account ] && printf %s "$5" > "$home/passwords/$name"
    exit 0 ;;
  'set account')
    [ "$4" = U_Admin ] && { printf %s "$5" > "$home/account/$name"; exit 0; }
    printf %s "$5" > "$home/passwords/$name" ;;
  'delete domain' | 'delete account') rm "$home/$2/$name" ;;
  'export domain' | 'export account') for file in "$home/$2"/*; do [ -f "$file" ] && echo "$(basename "$file"),x,"; done; exit 0 ;;
  *) exit 2 ;;
esac
`;

const CONTROL = `#!/bin/sh
home=$(dirname "$0")
for module in ${MODULES.join(' ')}; do
  case "$1" in
    --start)
      setsid "$home/$module" 600 >/dev/null 2>&1 </dev/null &
      echo $! > "$home/var/$module.pid" ;;
    --stop) kill "$(cat "$home/var/$module.pid")" 2>/dev/null; rm -f "$home/var/$module.pid" ;;
  esac
done
`;

/** Makes the installation in a new folder; nothing runs yet. */
export async function fakeIceWarp(
  directory: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<FakeIceWarp> {
  for (const part of ['vars', 'var', 'config', 'domain', 'account', 'passwords']) {
    await mkdir(join(directory, part), { recursive: true });
  }
  await writeFile(join(directory, 'tool.sh'), TOOL, { mode: 0o755 });
  await writeFile(join(directory, 'icewarpd.sh'), CONTROL, { mode: 0o755 });
  for (const module of MODULES) {
    await copyFile('/bin/sleep', join(directory, module));
    await chmod(join(directory, module), 0o755);
  }
  const file = (variable: string): string => join(directory, 'vars', variable.toLowerCase());
  const put = (variable: string, value: string): Promise<void> => writeFile(file(variable), value);
  for (const [name, value] of Object.entries({ C_Version: '14.2.0.1', ...variables })) await put(name, value);
  return {
    directory,
    put,
    value: (variable) => readFile(file(variable), 'utf8'),
    calls: async () => (await readFile(join(directory, 'calls'), 'utf8').catch(() => '')).trim().split('\n'),
    stop: () => ensureStopped(directory, new AbortController().signal),
  };
}
