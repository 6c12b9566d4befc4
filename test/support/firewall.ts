import { output } from './commands.js';

let tables = 0;

/**
 * Drops what the host would receive for one address, by a firewall of its own; what it returns takes it away. Needs
 * root and nftables.
 */
export function drop(address: string, protocol: 'tcp' | 'udp', ports: readonly number[]): () => Promise<void> {
  tables += 1;
  const table = `icewarp-test-${process.pid}-${tables}`;
  const rules = `table ip ${table} {
  chain input {
    type filter hook input priority 0; policy accept;
    ip daddr ${address} ${protocol} dport { ${ports.join(', ')} } drop
  }
}
`;
  output('nft', ['-f', '-'], { input: Buffer.from(rules) });
  return () => {
    output('nft', ['delete', 'table', 'ip', table]);
    return Promise.resolve();
  };
}
