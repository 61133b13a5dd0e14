import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import type { Answer } from '../backends/ask.ts'
import { askOverHttp1, type Switched } from '../backends/ask-http1.ts'
import { type Answered, type Errand, type ForwardTools, forwardBy } from './forward.ts'

/**
 * Asks a Pod to switch to another protocol. Only where it agrees is the connection a tunnel; after a refusal nothing more of the client's goes to
 * the Pod unread.
 * @throws NotForwarded
 */
export function forwardSwitch(errand: Errand, protocol: string, tools: ForwardTools): Promise<Answered<Answer | Switched>> {
  return forwardBy(errand, tools, (endpoint, request) => {
    const { answer, switched, abort } = askOverHttp1(endpoint, request, { ...tools, patience: errand.patience }, { upgrade: protocol })
    return { answer: Promise.any([answer, switched]).catch((error: AggregateError) => Promise.reject(error.errors[0])), abort }
  })
}

/** Passes bytes both ways until one side ends, or both are silent for too long. Resolves with the bytes that went to the client. */
export async function join({ headers, socket: pod, head: first }: Switched, client: Duplex, head: Buffer, idle: number): Promise<number> {
  const { upgrade = '', ...rest } = headers
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', `Upgrade: ${upgrade}`]
  for (const [name, value] of Object.entries(rest)) for (const one of [value].flat()) lines.push(`${name}: ${one}`)
  client.write(`${lines.join('\r\n')}\r\n\r\n`)
  if (first.length > 0) client.write(first)
  if (head.length > 0) pod.write(head)
  let bytes = first.length
  pod.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  for (const end of [client, pod])
    if ('setTimeout' in end && typeof end.setTimeout === 'function') end.setTimeout(idle, () => end.destroy())
  const oneWay = (from: Duplex, to: Duplex) => new Promise<void>((resolve) => pipeline(from, to, () => resolve()))
  await Promise.all([oneWay(pod, client), oneWay(client, pod)])
  return bytes
}
