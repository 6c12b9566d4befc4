import { readFile } from 'node:fs/promises';

/** Where the installer registers an installation on Linux. */
export const REGISTRATION = '/etc/icewarp/icewarp.conf';

/** The service that an installation registers with the system. */
export const SERVICE = 'icewarp';

/** What the registration says. */
export interface Registration {
  readonly directory: string;
  readonly version: string;
  readonly user: string;
}

/** Reads the registration of the installed IceWarp; null when none is installed. */
export async function readRegistration(file: string = REGISTRATION): Promise<Registration | null> {
  try {
    return parseRegistration(await readFile(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Lines such as `IWS_VERSION="14.1.0"`, with or without quotes. */
export function parseRegistration(text: string): Registration {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^\s*(?:export\s+)?(IWS_[A-Z_]+)=["']?([^"']*?)["']?\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, value);
  }
  return {
    directory: (values.get('IWS_INSTALL_DIR') ?? '').replace(/\/+$/, ''),
    version: values.get('IWS_VERSION') ?? '',
    user: values.get('IWS_PROCESS_USER') ?? '',
  };
}
