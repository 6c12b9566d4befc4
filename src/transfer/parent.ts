/**
 * Calls back once the process that forked this one is gone, or has gone already: nobody is told of an end that came
 * while this program was still being loaded.
 */
export function whenParentGone(callback: () => void): void {
  if (process.connected) process.once('disconnect', callback);
  else callback();
}
