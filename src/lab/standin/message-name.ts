let lastSecond = '';
let counter = 0;

/**
 * `<ServerID>YYYYMMDDhhmmss-<counter>`: the counter starts anew each second and belongs to this process, so two nodes
 * with the same ID give the same name to two messages, and the second overwrites the first.
 */
export function messageName(serverId: string, now: Date = new Date()): string {
  const second = now.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
  counter = second === lastSecond ? counter + 1 : 1;
  lastSecond = second;
  return `${serverId}${second}-${String(counter).padStart(4, '0')}`;
}
