import { createSocket } from 'node:dgram'
import type { Clock } from '../../shared/time/clock.ts'

/** How often it is looked whether the machine has another address. Milliseconds. */
const LOOK = 5_000

/**
 * The address with which this machine reaches the server, as the kernel would choose it; nothing is sent. Undefined where there is no way
 * there right now, or only by loopback.
 */
export function addressTowards(server: string): Promise<string | undefined> {
  const { hostname, port } = new URL(server)
  const socket = createSocket('udp4')
  return new Promise((resolve) => {
    const answer = (address: string | undefined) => {
      socket.close()
      resolve(address === undefined || address === '0.0.0.0' || address.startsWith('127.') ? undefined : address)
    }
    socket.once('error', () => answer(undefined))
    socket.connect(Number(port) || 443, hostname, () => answer(socket.address().address))
  })
}

/**
 * Resolves with the machine's new address once it is not the one before (DHCP, another network after sleep). A machine that has none
 * meanwhile keeps its old one. Rejects when the signal aborts.
 */
export async function addressChange(
  before: string,
  look: () => Promise<string | undefined>,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  for (;;) {
    await clock.sleep(LOOK, signal)
    const now = await look()
    if (now !== undefined && now !== before) return now
  }
}
