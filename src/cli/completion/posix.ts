import { valueOptions, type Place } from './tree.js';

/** One word for a POSIX shell, whatever it holds. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Branches that follow the words of commands that were typed, in `case "$place $word"`. */
function steps(places: readonly Place[]): string {
  const patterns = places.filter(({ path }) => path !== '').map(({ path }) => quoted(path));
  return `${patterns.join('|')}) place=$next ;;`;
}

/** Branches of `case "$place:$previous"` for options that take a value: their choices, or files. */
function values(places: readonly Place[], offer: (choices: readonly string[]) => string): string[] {
  return valueOptions(places).map(({ path, option }) => {
    const names = [option.word, ...(option.short === undefined ? [] : [option.short])];
    const pattern = names.map((name) => quoted(`${path}:${name}`)).join('|');
    return `    ${pattern}) ${offer(option.choices)} return ;;`;
  });
}

/** For `source <(icewarp-rollout completion bash)`, or a file in bash-completion's folder. */
export function bashScript(program: string, places: readonly Place[]): string {
  const list = (words: readonly string[]): string => quoted(words.join(' '));
  return `# bash completion of ${program}
_icewarp_rollout() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place= next= words= options= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${place:+$place }\${COMP_WORDS[i]}"
    case $next in
      ${steps(places)}
    esac
  done
  case "$place:$previous" in
${values(places, (choices) => (choices.length === 0 ? '' : `mapfile -t COMPREPLY < <(compgen -W ${list(choices)} -- "$current");`)).join('\n')}
  esac
  case $place in
${places
  .map(({ path, commands, words, options }) => {
    const typed = [...commands.map(({ word }) => word), ...words];
    return `    ${quoted(path)}) words=${list(typed)} options=${list(options.map(({ word }) => word))} ;;`;
  })
  .join('\n')}
  esac
  [[ $current == -* ]] && words=$options
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
# what none of this completes is the name of a file
complete -o default -F _icewarp_rollout ${program}
`;
}

/** For `source <(icewarp-rollout completion zsh)`, or a file `_icewarp-rollout` in a folder of `fpath`. */
export function zshScript(program: string, places: readonly Place[]): string {
  const described = (candidates: readonly { word: string; says: string }[]): string =>
    candidates.map(({ word, says }) => quoted(`${word.replaceAll(':', '\\:')}:${says}`)).join(' ');
  return `#compdef ${program}
_icewarp_rollout() {
  local place= next= previous=\${words[CURRENT-1]} i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    next="\${place:+$place }\${words[i]}"
    case $next in
      ${steps(places)}
    esac
  done
  case "$place:$previous" in
${values(places, (choices) => (choices.length === 0 ? '_files;' : `compadd -- ${choices.map(quoted).join(' ')};`)).join('\n')}
  esac
  case $place in
${places
  .map(({ path, commands, words, options }) => {
    const typed = [...commands, ...words.map((word) => ({ word, says: '' }))];
    return `    ${quoted(path)}) commands=(${described(typed)}); options=(${described(options)}) ;;`;
  })
  .join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o option options
  elif (( $#commands )); then
    _describe command commands
  else
    _files
  fi
}
if [[ \${funcstack[1]-} == _* ]]; then _icewarp_rollout "$@"; else compdef _icewarp_rollout ${program}; fi
`;
}
