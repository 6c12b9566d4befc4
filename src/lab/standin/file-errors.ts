/** Whether a file system call failed because there is nothing at that path. */
export function isMissing(error: unknown): boolean {
  return hasCode(error) && error.code === 'ENOENT';
}

/** What a log line says about a failure: the system's code where there is one, otherwise the message. */
export function reasonOf(error: unknown): string {
  if (hasCode(error)) return `${error.code} ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

function hasCode(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
