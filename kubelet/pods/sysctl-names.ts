import { ConfigError } from '../../shared/process/config.ts'

/** Whether a kernel setting, with dots, is among those. */
export type SysctlNames = (name: string) => boolean

/** Settings that the kernel keeps for each namespace (upstream's list); all others would change the machine. */
const OF_A_NAMESPACE = ['kernel.shm', 'kernel.msg', 'kernel.sem', 'fs.mqueue.', 'net.']

/** Names, or beginnings of names with `*` at the end, as upstream's `allowedUnsafeSysctls`. @throws ConfigError */
export function sysctlNames(patterns: readonly string[]): SysctlNames {
  const wanted = patterns.map((pattern) => pattern.replaceAll('/', '.'))
  for (const pattern of wanted) {
    if (!/^[a-z0-9._*-]+$/i.test(pattern) || pattern.slice(0, -1).includes('*'))
      throw new ConfigError(
        `--allowed-unsafe-sysctls: ${JSON.stringify(pattern)} is neither a name nor the beginning of one with * behind it`,
      )
    if (!OF_A_NAMESPACE.some((prefix) => pattern.startsWith(prefix)))
      throw new ConfigError(
        `--allowed-unsafe-sysctls: ${JSON.stringify(pattern)} is of the whole machine; a pod can only have ${OF_A_NAMESPACE.join(', ')}…`,
      )
  }
  return (name) => wanted.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}
