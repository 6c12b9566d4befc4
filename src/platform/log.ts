/** A log that writes one JSON line per event to standard error, with every known secret taken out. */
export function createLog(
  machine: string,
  redact: (text: string) => string,
): (event: string, detail?: unknown) => void {
  return (event, detail) => {
    const line = JSON.stringify({
      at: new Date().toISOString(),
      machine,
      event,
      ...(detail === undefined ? {} : { detail: plain(detail, redact) }),
    });
    process.stderr.write(`${redact(line)}\n`);
  };
}

/** Errors and their causes as plain data, a few levels deep; command results lose their arguments. */
function plain(value: unknown, redact: (text: string) => string, depth = 0): unknown {
  // Redacted before it is shortened: the cut may go through a secret, and nobody recognises its first half.
  const shortened = (text: string): string => cut(redact(text));
  const deeper = (inner: unknown): unknown => plain(inner, redact, depth + 1);
  if (depth > 4) return '…';
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    const code = (value as NodeJS.ErrnoException).code;
    const { stdout, stderr } = value as { stdout?: unknown; stderr?: unknown };
    return {
      name,
      message: shortened(message),
      ...(code === undefined ? {} : { code }),
      ...(typeof stdout === 'string' ? { stdout: shortened(stdout) } : {}),
      ...(typeof stderr === 'string' ? { stderr: shortened(stderr) } : {}),
      stack: stack?.split('\n').slice(1, 8).join('\n'),
      ...(cause === undefined ? {} : { cause: deeper(cause) }),
    };
  }
  if (Array.isArray(value)) return value.slice(0, 20).map(deeper);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, deeper(item)]));
  }
  return typeof value === 'string' ? shortened(value) : value;
}

function cut(text: string): string {
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text;
}
