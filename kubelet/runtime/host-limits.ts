import { readFile } from 'node:fs/promises'

/** What the machine under the engine permits; asked once. */
export interface HostLimits {
  /** Names without `CAP_`, of the kubelet's own bounding set: the most a container here can be given. */
  capabilities: readonly string[]
  /** All capabilities of the kernel are there, so `privileged` can be taken literally. */
  fullyPrivileged: boolean
  /** Negative oom_score_adj needs CAP_SYS_RESOURCE; without it runc fails with a message that explains nothing. */
  negativeOomScore: boolean
}

/** Capability names by bit (linux/capability.h). */
const CAPABILITIES = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE'],
  ...['NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT'],
  ...['SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE'],
  ...['AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ'],
  ...['PERFMON', 'BPF', 'CHECKPOINT_RESTORE'],
]
/** Engines before 20.10 know capabilities only up to AUDIT_READ and refuse the newer names. */
const NEWEST_EVERYWHERE = CAPABILITIES.indexOf('AUDIT_READ')

/** Reads the limits from this process, which shares the engine's machine or container. */
export async function readHostLimits(statusFile = '/proc/self/status', lastCapFile = '/proc/sys/kernel/cap_last_cap'): Promise<HostLimits> {
  const [status, last] = await Promise.all([readFile(statusFile, 'utf8'), readFile(lastCapFile, 'utf8')])
  return parseHostLimits(status, Number(last))
}

/** Pure half of `readHostLimits`. */
export function parseHostLimits(status: string, lastCapability: number): HostLimits {
  const bounding = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  const has = (bit: number) => ((bounding >> BigInt(bit)) & 1n) === 1n
  const everything = (1n << BigInt(lastCapability + 1)) - 1n
  return {
    capabilities: CAPABILITIES.filter((_, bit) => bit <= NEWEST_EVERYWHERE && has(bit)),
    fullyPrivileged: (bounding & everything) === everything,
    negativeOomScore: has(CAPABILITIES.indexOf('SYS_RESOURCE')),
  }
}
