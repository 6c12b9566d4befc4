import type { Command, Option } from 'commander';

/** What may be typed after the words of one command. */
export interface Place {
  /** The words after the program's name, such as `lab load start`; empty for the program itself. */
  readonly path: string;
  readonly commands: readonly Candidate[];
  readonly options: readonly OptionCandidate[];
  /** What the first argument may be, where it is no file. */
  readonly words: readonly string[];
}

export interface Candidate {
  readonly word: string;
  readonly says: string;
}

export interface OptionCandidate extends Candidate {
  /** `-o`. */
  readonly short?: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** Every place of the command line at which something can be completed, made of the commands themselves. */
export function placesOf(command: Command, words: Readonly<Record<string, readonly string[]>> = {}): Place[] {
  return placesBelow(command, [], words);
}

function placesBelow(
  command: Command,
  path: readonly string[],
  words: Readonly<Record<string, readonly string[]>>,
): Place[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  const key = path.join(' ');
  const [argument] = command.registeredArguments;
  const here: Place = {
    path: key,
    commands: below.map((one) => ({ word: one.name(), says: one.description() })),
    options: help.visibleOptions(command).map(optionOf),
    words: words[key] ?? argument?.argChoices ?? [],
  };
  return [here, ...below.flatMap((one) => placesBelow(one, [...path, one.name()], words))];
}

function optionOf({ long, short, description, required, optional, argChoices = [] }: Option): OptionCandidate {
  return {
    word: long ?? short ?? '',
    ...(long === undefined || short === undefined ? {} : { short }),
    says: description,
    takesValue: required || optional,
    choices: argChoices,
  };
}

/** The options whose next word is a value, each with the place that it belongs to. */
export function valueOptions(places: readonly Place[]): { readonly path: string; readonly option: OptionCandidate }[] {
  return places.flatMap(({ path, options }) =>
    options.filter(({ takesValue }) => takesValue).map((option) => ({ path, option })),
  );
}
