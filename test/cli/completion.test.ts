import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { completionScript } from '../../src/cli/completion/script.js';
import { SHELLS } from '../../src/cli/completion/shells.js';
import { placesOf } from '../../src/cli/completion/tree.js';
import { programWith } from '../../src/cli/program.js';

const program = programWith({
  worker: () => Promise.resolve(0),
  recover: { node: () => Promise.resolve(0), rollout: () => Promise.resolve(0) },
});

/** What was typed, and what is offered; files of the folder are `cluster.yaml` and the scripts. */
const OFFERED: readonly (readonly [typed: string, offered: readonly string[]])[] = [
  ['st', ['start', 'status']],
  ['transfer ', ['adopt', 'copy', 'limit', 'reverse', 'status', 'verify']],
  ['lab load start --target ', ['A', 'B', 'C', 'balancer']],
  ['rollback --t', ['--to']],
  ['rollback cluster.yaml --y', ['--yes']],
  ['explain AGENT_', ['AGENT_CONFIG', 'AGENT_LOST', 'AGENT_RUNS', 'AGENT_VERSION']],
  ['completion f', ['fish']],
];

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-completion-'));
  await writeFile(join(folder, 'cluster.yaml'), '');
  for (const shell of SHELLS) await writeFile(join(folder, shell), completionScript(program, shell));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).error === undefined;
}

/** Output of a shell's script, a line each. */
function lines(shell: string, args: readonly string[]): string[] {
  const out = execFileSync(shell, args, { cwd: folder, encoding: 'utf8' });
  return out.split('\n').filter((line) => line !== '');
}

describe('the completion', () => {
  it.each(OFFERED)('of bash offers after "%s" what may follow', (typed, offered) => {
    const words = ['icewarp-rollout', ...typed.split(' ')];
    const code = `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _icewarp_rollout; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(lines('bash', ['-c', code, 'bash', ...words]).sort()).toEqual(offered);
  });

  (isInstalled('fish') ? it.each(OFFERED) : it.skip.each(OFFERED))(
    'of fish offers after "%s" what may follow',
    (typed, offered) => {
      const code = `source ./fish; complete -C "icewarp-rollout ${typed}"`;
      const words = lines('fish', ['--no-config', '-c', code]).map((line) => line.split('\t')[0]);
      expect(words.sort()).toEqual(offered);
    },
  );

  (isInstalled('zsh') ? it.each(OFFERED) : it.skip.each(OFFERED))(
    'of zsh offers after "%s" what may follow',
    (typed, offered) => {
      // the functions of zsh that would draw the candidates tell them instead
      const code = `compdef() { : }; source ./zsh
        _describe() { [[ $1 == -o ]] && shift; for one in \${(P)2}; do print -r -- "\${one%%:*}"; done }
        compadd() { shift; print -rl -- "$@" }
        words=("$@"); CURRENT=$#; PREFIX=\${words[CURRENT]}; _icewarp_rollout`;
      const words = ['icewarp-rollout', ...typed.split(' ')];
      const begun = words.at(-1) ?? '';
      const told = lines('zsh', ['-f', '-c', code, 'zsh', ...words]).filter((word) => word.startsWith(begun));
      expect(told.sort()).toEqual(offered);
    },
  );

  it('leaves files to the shell where a file is asked for', () => {
    const code =
      'source ./bash; COMP_WORDS=(icewarp-rollout start cl); COMP_CWORD=2; _icewarp_rollout; echo "${#COMPREPLY[@]}"; complete -p icewarp-rollout';
    expect(lines('bash', ['-c', code])).toEqual(['0', 'complete -o default -F _icewarp_rollout icewarp-rollout']);
  });

  it('of every shell knows all commands and options', () => {
    const places = placesOf(program);
    expect(places.map(({ path }) => path)).toContain('lab load start');
    for (const shell of SHELLS) {
      const script = completionScript(program, shell);
      const missing = places.flatMap(({ path, options }) =>
        [path, ...options.map(({ word }) => (shell === 'fish' ? word.slice(2) : word))].filter(
          (word) => !script.includes(word),
        ),
      );
      expect({ shell, missing }).toEqual({ shell, missing: [] });
    }
  });
});
