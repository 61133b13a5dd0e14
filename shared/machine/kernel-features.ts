/** One rule for each feature of nftables that Services need, and the kernel's module for it. */
export const KERNEL_FEATURES: readonly { readonly feature: string; readonly rules: string }[] = [
  { feature: 'nat chains (nf_tables, nft_chain_nat)', rules: 'chain c { type nat hook prerouting priority dstnat; }' },
  {
    feature: 'maps over address, protocol and port',
    rules: 'map m { type ipv4_addr . inet_proto . inet_service : verdict; }; chain c { ip daddr . meta l4proto . th dport vmap @m; }',
  },
  {
    feature: 'a random endpoint (nft_numgen)',
    rules:
      'chain c { type nat hook prerouting priority dstnat; meta l4proto tcp dnat to numgen random mod 2 map { 0 : 192.0.2.1, 1 : 192.0.2.2 }; }',
  },
  {
    feature: 'maps that rules write into, for session affinity (nft_set_hash, nft_dynset)',
    rules:
      'map m { type ipv4_addr : classid; size 10; flags dynamic,timeout; }; chain c { update @m { ip saddr timeout 1s : meta priority }; }',
  },
  {
    feature: 'ranges of addresses within sets, for source ranges (nft_set_pipapo)',
    rules: 'set s { type ipv4_addr . ipv4_addr; flags interval; }; chain c { ip daddr . ip saddr @s accept; }',
  },
  {
    feature: 'addresses of this host (nft_fib)',
    rules: 'chain c { type nat hook prerouting priority dstnat; fib daddr type local accept; }',
  },
  { feature: 'masquerade (nft_masq)', rules: 'chain c { type nat hook postrouting priority srcnat; ct status dnat masquerade; }' },
  { feature: 'reject (nft_reject)', rules: 'chain c { type filter hook forward priority filter; ct state new reject; }' },
]

/** A feature's rule as a file for `nft -c`, in a table of the family. */
export function featureText({ rules }: { rules: string }, family: 'IPv4' | 'IPv6' = 'IPv4'): string {
  if (family === 'IPv4') return `table ip coxswain-trial {\n${rules}\n}\n`
  const translated = rules
    .replaceAll('ipv4_addr', 'ipv6_addr')
    .replaceAll(/\bip (saddr|daddr)/g, 'ip6 $1')
    .replaceAll(/192\.0\.2\.(\d)/g, '2001:db8::$1')
  return `table ip6 coxswain-trial {\n${translated}\n}\n`
}
