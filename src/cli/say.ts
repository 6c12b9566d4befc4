/** Writes one event: as words for people, or as one line of JSON, which nothing else on standard output pollutes. */
export function say(
  json: boolean | undefined,
  event: { readonly event: string; readonly [fact: string]: unknown },
  text: string,
): void {
  process.stdout.write(`${json === true ? JSON.stringify(event) : text}\n`);
}
