import { readdirSync, readFileSync } from 'node:fs';

/** Every process whose mounts, command line or environment speak of the folder: none may be left of a lab that is down. */
export function remainsOf(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => ['mountinfo', 'cmdline', 'environ'].some((file) => read(pid, file).includes(directory)))
    .map((pid) => `${pid} ${read(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
