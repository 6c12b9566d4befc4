import { readFile } from 'node:fs/promises';

import { variableList } from './layout.js';
import type { Tool } from './tool.js';
import { WATCHDOG, WATCHDOG_DETAILS, WATCHDOG_PREFIX } from './variables.js';

/**
 * The variables that make IceWarp start a stopped service again, as far as this version has them: those that are known,
 * and those that its own list of variables has besides.
 *
 * @returns variable → whether it is on.
 */
export async function readWatchdog(tool: Tool, directory: string): Promise<ReadonlyMap<string, boolean>> {
  const found = new Map<string, boolean>();
  for (const variable of await watchdogVariables(directory)) {
    const value = await tool.find(variable);
    if (value !== undefined) found.set(variable, value === '1' || value.toLowerCase() === 'true');
  }
  return found;
}

/** Names, those of {@link WATCHDOG} first. */
async function watchdogVariables(directory: string): Promise<readonly string[]> {
  const text = await readFile(variableList(directory), 'latin1').catch(() => '');
  const names = new Map(Object.values(WATCHDOG).map((name) => [name.toLowerCase(), name as string]));
  for (const [name] of text.matchAll(new RegExp(`\\b${WATCHDOG_PREFIX}\\w+`, 'gi'))) {
    const detail = name.toLowerCase().slice(WATCHDOG_PREFIX.length);
    const switches = !(WATCHDOG_DETAILS as readonly string[]).includes(detail);
    if (switches && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
  }
  return [...names.values()];
}

/** What a variable watches, for the operator: the end of its name. */
export function watched(variable: string): string {
  return variable.slice(WATCHDOG_PREFIX.length).toLowerCase();
}
