import { output } from '../commands.js';
import { SENTINEL } from './manifest.js';

/**
 * What `rsync` would still have to do to make `b` like `a`, one line per item in its own notation (`-i`); empty when
 * nothing. Compares contents, hard links, owners, modes and times to the nanosecond, which plain `-nac` does not. Says
 * nothing of the two roots themselves: the sentinel changes the time of one.
 */
export function rsyncDifferences(a: string, b: string): string[] {
  const options = ['-naciH', '--delete', '--modify-window=-1', `--exclude=/${SENTINEL}`];
  const printed = output('rsync', [...options, '--', `${a}/`, `${b}/`]).toString('latin1');
  return printed.split('\n').filter((line) => line !== '' && !line.endsWith(' ./'));
}
