import type { Command } from 'commander';

import { PRODUCT_VERSION } from '../cluster/version.js';

/** Every command as a manual page (roff with the man macros), made of the commands' own help. */
export function manPage(program: Command): string {
  const name = program.name();
  const { examples, exit } = helpParts(program);
  const leaves = commandsBelow(program, [name]);
  return [
    // without a date: the same sources give the same page
    `.TH ${roff(name).toUpperCase()} 1 "" "${roff(name)} ${PRODUCT_VERSION}" "User Commands"`,
    '.SH NAME',
    // the line by which man -k finds the page
    ...wrapped(`${roff(name)} \\- ${roff(lowered(program.description()).replace(/\.$/, ''))}`),
    '.SH SYNOPSIS',
    ...leaves
      .flatMap(({ words, command }) => [`.B ${roff(words.join(' '))}`, roff(command.usage()), '.br'])
      .slice(0, -1),
    '.SH DESCRIPTION',
    ...prose(program.description()),
    '.SH EXAMPLES',
    ...verbatim(examples),
    '.SH COMMANDS',
    ...leaves.flatMap(commandSection),
    '.SH EXIT STATUS',
    ...exit.flatMap(prose),
    '.SH ENVIRONMENT',
    '.TP',
    '.B TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY',
    'Where the Temporal server is, as for every program of its SDK.',
    '.TP',
    '.B TEMPORAL_UI_ADDRESS',
    'Where its Web UI is, for the link that is printed.',
    '.TP',
    '.B NO_COLOR',
    'No colours.',
    '',
  ].join('\n');
}

interface Leaf {
  readonly words: readonly string[];
  readonly command: Command;
}

function commandsBelow(command: Command, words: readonly string[]): Leaf[] {
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((one) => commandsBelow(one, [...words, one.name()]));
}

function commandSection({ words, command }: Leaf): string[] {
  const help = command.createHelp();
  const { examples, exit } = helpParts(command);
  const tagged = (tag: string, text: string): string[] => ['.TP', `.B ${roff(tag)}`, ...prose(text)];
  return [
    `.SS ${roff([...words.slice(1), command.usage()].join(' '))}`,
    ...prose(`${raised(command.description())}.`),
    ...help.visibleArguments(command).flatMap((one) => tagged(help.argumentTerm(one), help.argumentDescription(one))),
    ...help.visibleOptions(command).flatMap((one) => tagged(help.optionTerm(one), help.optionDescription(one))),
    '.PP',
    ...verbatim(examples),
    '.PP',
    ...exit.flatMap(prose),
  ];
}

/** What the help of a command says before its usage and after its options. */
function helpParts(command: Command): { readonly examples: readonly string[]; readonly exit: readonly string[] } {
  let text = '';
  const output = command.configureOutput();
  command.configureOutput({ ...output, writeOut: (part) => (text += part) });
  command.outputHelp();
  command.configureOutput(output);
  const before = text.slice(0, text.indexOf('Usage:')).trim().split('\n').slice(1);
  const after = text.slice(text.lastIndexOf('Exit status:')).trim().split('\n');
  return { examples: before.map((line) => line.replace(/^ {2}/, '')), exit: after };
}

function verbatim(lines: readonly string[]): string[] {
  return ['.nf', ...lines.map((line) => (line === '' ? '.sp' : roff(line))), '.fi'];
}

/** Running text. */
function prose(text: string): string[] {
  return wrapped(text.trim()).map(roff);
}

/** Lines of the source that are not longer than the format's checkers like. */
function wrapped(text: string): string[] {
  return text.match(/.{1,70}(?:\s|$)|\S+(?:\s|$)/g)?.map((line) => line.trim()) ?? [];
}

/** Text in which roff finds nothing of its own, in ASCII. */
function roff(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
  return escaped.replaceAll(
    /[^\x20-\x7e]/gu,
    (sign) => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
  );
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function raised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
