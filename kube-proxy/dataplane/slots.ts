import type { Backend } from '../virtual-server.ts'

/**
 * A number for each backend of one port of a Service. It depends on the backend alone, so that what the kernel remembers of clients stays true
 * when others come and go and when the proxy starts anew. Zero is nobody's.
 */
export function slotsOf(backends: readonly Backend[]): readonly { slot: number; backend: Backend }[] {
  const taken = new Set<number>()
  return backends.map((backend) => {
    let slot = hash(`${backend.address}:${backend.port}`)
    // Two of one number are as rare as 1 in 10 million for 30 backends; the later one moves on.
    while (slot === 0 || taken.has(slot)) slot = (slot + 1) >>> 0
    taken.add(slot)
    return { slot, backend }
  })
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
