import type { Check, FindViolation } from '../check.ts'

/** Kernel parameters that are a pod's own and harm no other, and since when they are held for that. */
const SAFE: Readonly<Record<number, readonly string[]>> = {
  0: [
    'kernel.shm_rmid_forced',
    'net.ipv4.ip_local_port_range',
    'net.ipv4.tcp_syncookies',
    'net.ipv4.ping_group_range',
    'net.ipv4.ip_unprivileged_port_start',
  ],
  27: ['net.ipv4.ip_local_reserved_ports'],
  29: ['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'],
  32: ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'],
}

function finding(safe: ReadonlySet<string>): FindViolation {
  return (_metadata, spec) => {
    const bad = (spec.securityContext?.sysctls ?? []).filter(({ name }) => !safe.has(name)).map(({ name }) => name)
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') }
  }
}

/** Kernel parameters are set only where they are safe. */
export const sysctls: Check = {
  id: 'sysctls',
  level: 'baseline',
  versions: Object.keys(SAFE)
    .map(Number)
    .map((since) => {
      const safe = Object.entries(SAFE).flatMap(([version, names]) => (Number(version) <= since ? names : []))
      return { since, find: finding(new Set(safe)) }
    }),
}
