/** Expected trouble: its message says what to do, and a stack trace would only hide it. */
export class Stop extends Error {}
