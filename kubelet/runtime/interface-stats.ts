import { readFile } from 'node:fs/promises'
import { isGone } from './cgroup-usage.ts'
import type { InterfaceStats } from './container-runtime.ts'

/** Traffic as a process sees it; undefined when it has ended. */
export async function interfacesOfProcess(pid: number): Promise<InterfaceStats[] | undefined> {
  try {
    return parseNetDev(await readFile(`/proc/${pid}/net/dev`, 'utf8'))
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** `/proc/<pid>/net/dev`: two lines of headings, then an interface a line (proc_pid_net(5)). */
export function parseNetDev(text: string): InterfaceStats[] {
  const found: InterfaceStats[] = []
  for (const line of text.split('\n')) {
    const match = /^\s*(\S+):\s*(.+)$/.exec(line)
    if (!match || match[1] === 'lo') continue
    const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = match[2]!.trim().split(/\s+/).map(Number)
    found.push({ name: match[1]!, rxBytes, rxErrors, txBytes, txErrors })
  }
  return found
}
