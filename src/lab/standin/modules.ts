import type { Installation } from './installation.js';
import { livePid } from './processes.js';

/** In the order in which they start. `icewarpd`, `cal` and `im` only exist: they speak no protocol here. */
export const MODULES = ['icewarpd', 'control', 'cal', 'im', 'pop3', 'smtp'] as const;
export type Module = (typeof MODULES)[number];

export function pidFile(installation: Installation, module: Module): string {
  return `${installation.runPath}${module}.pid`;
}

export function isRunning(installation: Installation, module: Module): boolean {
  return livePid(pidFile(installation, module), installation.directory) !== undefined;
}
