/** Milliseconds: a machine under load is slow; what never comes fails all the same. */
const LIMIT = 60_000;

/** Waits until something is true; a test that waits in vain says for what. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  { limit = LIMIT, pause = 20 }: { readonly limit?: number; readonly pause?: number } = {},
): Promise<void> {
  const deadline = Date.now() + limit;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still not so after ${limit / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
