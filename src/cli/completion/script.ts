import type { Command } from 'commander';

import { ERRORS } from '../../cluster/errors.js';
import { fishScript, powershellScript } from './others.js';
import { bashScript, zshScript } from './posix.js';
import type { Shell } from './shells.js';
import { placesOf, type Place } from './tree.js';

const SCRIPTS: Readonly<Record<Shell, (program: string, places: readonly Place[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
};

/** A shell's script that completes all commands below this one. */
export function completionScript(program: Command, shell: Shell): string {
  return SCRIPTS[shell](program.name(), placesOf(program, { explain: Object.keys(ERRORS) }));
}
