import { existsSync, rmSync, writeFileSync } from 'node:fs';

import type { Installation } from './installation.js';

const requestFile = ({ runPath }: Installation): string => `${runPath}directorycache.request`;

/** `C_Accounts_Global_Accounts_DirectoryCache_RefreshNow`: asks the control service for a walk. */
export function requestRefresh(installation: Installation): void {
  writeFileSync(requestFile(installation), '');
}

export function isRefreshPending(installation: Installation): boolean {
  return existsSync(requestFile(installation));
}

export function endRequest(installation: Installation): void {
  rmSync(requestFile(installation), { force: true });
}
