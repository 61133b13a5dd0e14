import type { IngressRule, IngressStatus } from '../../../shared/openapi/generated/networking-v1.ts'

/** Characters of addresses that upstream shows. */
const ADDRESS_WIDTH = 16
const MOST_HOSTS = 3

/** The first three hosts, then how many rules more; `*` where no rule names one. Counted as upstream does: rules, named or not. */
export function hostsCell(rules: readonly IngressRule[]): string {
  const shown: string[] = []
  let isCut = false
  for (const { host } of rules) {
    if (shown.length === MOST_HOSTS) isCut = true
    if (!isCut && host) shown.push(host)
  }
  if (shown.length === 0) return '*'
  return isCut ? `${shown.join(',')} + ${rules.length - MOST_HOSTS} more...` : shown.join(',')
}

/** Where it is served, each address once, cut like upstream's. */
export function addressCell({ loadBalancer }: IngressStatus): string {
  const addresses = new Set((loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter((each) => each !== ''))
  const text = [...addresses].sort().join(',')
  return text.length > ADDRESS_WIDTH ? `${text.slice(0, ADDRESS_WIDTH - 3)}...` : text
}
