/** The directives that say where PHP keeps sessions; the values are those of IceWarp's own containers (B5). */
export interface SessionStore {
  readonly handler: string;
  readonly path: string;
}

/** Where the web client of a node keeps its sessions when a Redis holds them. */
export function redisStore({ host, port }: { readonly host: string; readonly port: number }): SessionStore {
  return { handler: 'redis', path: `tcp://${host.includes(':') ? `[${host}]` : host}:${port}` };
}

const DIRECTIVES = { handler: 'session.save_handler', path: 'session.save_path' } as const;

/** What php.ini says of sessions; empty where it says nothing. The last line of a directive is the one in force. */
export function sessionStoreIn(text: string): SessionStore {
  const valueOf = (name: string): string => {
    const found = [...text.matchAll(lineOf(name))].at(-1)?.[2] ?? '';
    return found.replace(/^"(.*)"$/, '$1');
  };
  return { handler: valueOf(DIRECTIVES.handler), path: valueOf(DIRECTIVES.path) };
}

/** The same file with sessions kept elsewhere: every other line, comment and line end stays as it is. */
export function withSessionStore(text: string, store: SessionStore): string {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  return (['handler', 'path'] as const).reduce((ini, key) => {
    const name = DIRECTIVES[key];
    const line = `${name} = ${key === 'path' ? `"${store[key]}"` : store[key]}`;
    if (lineOf(name).test(ini)) return ini.replaceAll(lineOf(name), line);
    const header = /^\[Session\][ \t]*\r?\n/im.exec(ini);
    const at = header === null ? 0 : header.index + header[0].length;
    return `${ini.slice(0, at)}${line}${end}${ini.slice(at)}`;
  }, text);
}

/** Whether the file loads PHP's extension for Redis; without it no session could be opened at all. */
export function loadsRedis(text: string): boolean {
  return /^[ \t]*extension[ \t]*=[ \t]*"?(?:[^;\r\n]*[\\/])?(?:php_)?redis(?:\.so|\.dll)?"?[ \t]*(?:;.*)?\r?$/im.test(
    text,
  );
}

function lineOf(directive: string): RegExp {
  return new RegExp(
    `^([ \\t]*${directive.replace('.', '\\.')}[ \\t]*=[ \\t]*)("[^"\\r\\n]*"|[^;\\r\\n]*?)[ \\t]*(?=;|\\r?$)`,
    'gm',
  );
}
