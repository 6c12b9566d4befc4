import { loadServer } from './server.js';
import { readValue, SYSTEM_VARIABLES, writeKind, writeValues } from './system-values.js';
import { answer, EXIT, pairs, unknownVariable, type ToolAnswer } from './tool-answer.js';

/** `tool get|display system <var>…`: one `Name: value` per variable, the name as it was typed. */
export function getSystem(names: readonly string[]): ToolAnswer {
  if (names.length === 0) return answer(EXIT.usage, 'usage: tool get system <variable>…');
  const server = loadServer();
  const lines: string[] = [];
  for (const name of names) {
    const value = readValue(server, name);
    if (value === undefined) return unknownVariable(name, SYSTEM_VARIABLES);
    lines.push(`${name}: ${value}`);
  }
  return answer(EXIT.ok, ...lines);
}

/** `tool set system <var> <value> …`: all or nothing. Running services do not notice. */
export function setSystem(words: readonly string[]): ToolAnswer {
  const values = pairs(words);
  if (values === undefined || values.length === 0)
    return answer(EXIT.usage, 'usage: tool set system <variable> <value>…');
  for (const [name] of values) {
    const kind = writeKind(name);
    if (kind === 'unknown') return unknownVariable(name, SYSTEM_VARIABLES);
    if (kind === 'read-only') return answer(EXIT.failed, `${name} is read-only.`);
  }
  writeValues(loadServer(), values);
  return answer(EXIT.ok);
}
