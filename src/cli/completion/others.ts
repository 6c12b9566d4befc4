import type { OptionCandidate, Place } from './tree.js';

/** One word for fish: within single quotes only the backslash and the quote are special. */
function forFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** For `~/.config/fish/completions/icewarp-rollout.fish`. */
export function fishScript(program: string, places: readonly Place[]): string {
  const known = places.filter(({ path }) => path !== '').map(({ path }) => forFish(path));
  const line = (path: string, rest: string): string =>
    `complete -c ${program} -n "__icewarp_rollout_at ${forFish(path)}" ${rest}`;
  const lines = places.flatMap(({ path, commands, words, options }) => [
    ...(commands.length + words.length > 0 ? [line(path, '-f')] : []),
    ...commands.map(({ word, says }) => line(path, `-a ${forFish(word)} -d ${forFish(says)}`)),
    ...words.map((word) => line(path, `-a ${forFish(word)}`)),
    ...options.map((option) => line(path, fishOption(option))),
  ]);
  return `# fish completion of ${program}
function __icewarp_rollout_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$place $word")
    contains -- $next ${known.join(' ')}; and set place $next
  end
  test "$place" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function fishOption({ word, short, says, takesValue, choices }: OptionCandidate): string {
  const names = [`-l ${word.replace(/^--/, '')}`, ...(short === undefined ? [] : [`-s ${short.slice(1)}`])];
  const value = choices.length > 0 ? ` -x -a ${forFish(choices.join(' '))}` : takesValue ? ' -r' : '';
  return `${names.join(' ')}${value} -d ${forFish(says)}`;
}

/** One word for PowerShell: within single quotes only the quote is special, also the curly ones. */
function forPowerShell(text: string): string {
  return `'${text.replaceAll(/['‘’‚‛]/g, '$&$&')}'`;
}

/** For PowerShell's `$PROFILE`. */
export function powershellScript(program: string, places: readonly Place[]): string {
  const list = (candidates: readonly { word: string; says: string }[]): string =>
    `@(${candidates.map(({ word, says }) => `,@(${forPowerShell(word)}, ${forPowerShell(says === '' ? word : says)})`).join('; ')})`;
  const rows = places.map(
    ({ path, commands, words, options }) =>
      `    ${forPowerShell(path)} = @{ commands = ${list([...commands, ...words.map((word) => ({ word, says: '' }))])}; options = ${list(options)} }`,
  );
  const choices = places.flatMap(({ path, options }) =>
    options
      .filter((option) => option.choices.length > 0)
      .map(
        (option) =>
          `    ${forPowerShell(`${path} ${option.word}`)} = ${list(option.choices.map((word) => ({ word, says: '' })))}`,
      ),
  );
  return `# PowerShell completion of ${program}
Register-ArgumentCompleter -Native -CommandName '${program}' -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $places = @{
${rows.join('\n')}
  }
  $choices = @{
${choices.join('\n')}
  }
  $typed = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  $place = ''
  foreach ($word in $typed) {
    $next = "$place $word".Trim()
    if ($places.ContainsKey($next)) { $place = $next }
  }
  $previous = if ($typed.Count -gt 0) { $typed[-1] } else { '' }
  $offered = if ($choices.ContainsKey("$place $previous")) { $choices["$place $previous"] }
    elseif ($wordToComplete -like '-*') { $places[$place].options }
    else { $places[$place].commands }
  # without an answer PowerShell completes names of files
  $offered | Where-Object { $_[0] -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_[0], $_[0], 'ParameterValue', $_[1])
  }
}
`;
}
