/** Where more is said of an error; printed with every one. */
export function explainHint(code: string): string {
  return `more: icewarp-rollout explain ${code}`;
}
