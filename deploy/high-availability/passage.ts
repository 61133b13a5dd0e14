import type { Socket } from 'node:net'
import type { ServerUse } from '../../shared/client/server-list.ts'

/** What a client may say before a server has answered it, in bytes: the first flight of TLS is a few hundred. */
const FIRST_WORDS = 64 * 1024

/** Ways to servers. */
export interface PassageWays {
  /** How many servers there are. */
  readonly count: number
  use(): ServerUse
  dial(url: string): Socket
  /** A server refused the connection. */
  refused(url: string): void
}

/**
 * Carries a client's bytes to a server and back. As long as no server has answered nothing has come of what the client said, and it is said again to
 * the next one; after that the client's connection lives as long as the server's.
 */
export function openPassage(client: Socket, ways: PassageWays): void {
  const said: Buffer[] = []
  let length = 0
  let server: Socket | undefined
  const listen = (part: Buffer) => {
    said.push(part)
    length += part.length
    server?.write(part)
    // No more is read until a server has answered.
    if (length > FIRST_WORDS) client.pause()
  }
  client.setNoDelay(true)
  client.on('data', listen)
  client.on('close', () => server?.destroy())

  const tryServer = (left: number) => {
    const use = ways.use()
    const dialled = ways.dial(use.url)
    let isConnected = false
    let hasAnswered = false
    server = dialled
    for (const part of said) dialled.write(part)
    dialled.once('connect', () => {
      isConnected = true
    })
    dialled.once('data', (first: Buffer) => {
      hasAnswered = true
      client.off('data', listen)
      client.write(first)
      client.pipe(dialled).pipe(client)
    })
    dialled.on('close', () => {
      use.end()
      if (client.destroyed) return
      if (!isConnected) ways.refused(use.url)
      // What the server has said last is still passed on.
      if (hasAnswered) client.destroySoon()
      else if (left <= 1 || (isConnected && length === 0)) client.destroy()
      else tryServer(left - 1)
    })
  }
  // One that was just killed breaks off first, and refuses then.
  tryServer(ways.count + 1)
}
