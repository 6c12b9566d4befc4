/** The product's version; a test keeps it equal to package.json's. */
export const PRODUCT_VERSION = '0.1.0';

/** Whether two releases may work in one rollout: workflow inputs stay readable within a major version. */
export function compatible(one: string, other: string): boolean {
  return one.split('.')[0] === other.split('.')[0];
}
