import { CommandError, type RunCommand } from './command.ts'
import type { VirtualServer } from './virtual-server.ts'

/** UDP flows of one address of a Service that must be forgotten; with `backend`, only those that go there. */
export interface StaleFlows {
  readonly address: string
  readonly port: number
  readonly backend: string | undefined
}

/**
 * Pure: which UDP flows a change makes stale. The kernel keeps sending an existing flow where it went before; a removed
 * backend must be forgotten, and with the first backend so must flows that met none.
 */
export function staleFlows(before: readonly VirtualServer[], after: readonly VirtualServer[]): StaleFlows[] {
  const stale: StaleFlows[] = []
  for (const server of before) {
    if (server.protocol !== 'udp') continue
    const next = after.find((each) => each.name === server.name)
    const kept = new Set(next?.backends.map(({ address, port }) => `${address}:${port}`))
    for (const address of server.addresses) {
      for (const backend of server.backends) {
        if (!kept.has(`${backend.address}:${backend.port}`)) stale.push({ address, port: server.port, backend: backend.address })
      }
      if (server.backends.length === 0 && (next?.backends.length ?? 0) > 0) stale.push({ address, port: server.port, backend: undefined })
    }
  }
  return stale
}

/** Makes the kernel forget them. */
export async function forgetFlows(stale: readonly StaleFlows[], run: RunCommand): Promise<void> {
  for (const { address, port, backend } of stale) {
    const command = ['conntrack', '-D', '-p', 'udp', '--orig-dst', address, '--orig-port-dst', String(port)]
    try {
      await run(backend === undefined ? command : [...command, '--reply-src', backend])
    } catch (error) {
      // conntrack ends with 1 when no flow matched, which is the usual case.
      if (!(error instanceof CommandError && error.exitCode === 1)) throw error
    }
  }
}
