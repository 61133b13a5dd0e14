import { readFile } from 'node:fs/promises'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { parseServer, type ServerAddress, serverText } from './server-address.ts'

/** How old what is known of the file may be when somebody asks outside. */
const FRESH_MILLISECONDS = 1_000

/** What the node's own resolv.conf says. */
export interface HostNames {
  servers: readonly ServerAddress[]
  /** Lower case, without a final dot. */
  searches: readonly string[]
}

export interface HostServersOptions {
  file: string
  /** Addresses where we answer ourselves. */
  own: readonly string[]
  clock: Clock
  log: Logger
  /** Called when others than before are to be asked. */
  changed?: (servers: readonly ServerAddress[]) => void
}

/**
 * The servers of the node's resolv.conf, read again when somebody asks and a second has passed: the file is replaced by other programs in ways that no
 * watch of a file sees (renamed over, mounted). One that cannot be read, or names nobody but us, leaves the servers before in place.
 */
export class HostServers {
  readonly #options: HostServersOptions
  #known: HostNames = { servers: [], searches: [] }
  #text: string | undefined
  #problem = ''
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(options: HostServersOptions) {
    this.#options = options
  }

  /** As they were at the last look. */
  get known(): HostNames {
    return this.#known
  }

  async current(): Promise<HostNames> {
    const { clock } = this.#options
    if (clock.monotonic() - this.#readAt >= FRESH_MILLISECONDS) {
      this.#reading ??= this.#read().finally(() => {
        this.#readAt = clock.monotonic()
        this.#reading = undefined
      })
      await this.#reading
    }
    return this.#known
  }

  async #read(): Promise<void> {
    const { file, own, log, changed } = this.#options
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      return this.#complain('the file of the servers outside cannot be read; those before are asked', { error })
    }
    if (text === this.#text) return
    const named = parseResolvConf(text)
    const servers = named.servers.filter(({ host }) => !own.includes(host))
    if (servers.length === 0) {
      const problem = named.servers.length > 0 ? 'names only this server itself' : 'names no server'
      return this.#complain(`the file of the servers outside ${problem}; those before are asked`, {})
    }
    if (servers.length < named.servers.length)
      log.warn('the file of the servers outside names this server itself, which is left out', { file })
    this.#text = text
    this.#problem = ''
    this.#known = { ...named, servers }
    log.info('servers outside', { servers: servers.map(serverText), file })
    changed?.(servers)
  }

  #complain(problem: string, fields: Record<string, unknown>): void {
    if (problem !== this.#problem) this.#options.log.warn(problem, { ...fields, file: this.#options.file })
    this.#problem = problem
  }
}

/** Servers and search domains of a resolv.conf. Later `search` lines replace earlier ones, as in the C library. */
export function parseResolvConf(text: string): HostNames {
  const servers: ServerAddress[] = []
  let searches: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    const server = keyword === 'nameserver' ? parseServer(words[0] ?? '') : undefined
    if (server) servers.push(server)
    if (keyword === 'search' || keyword === 'domain') searches = words.map((word) => word.toLowerCase().replace(/\.$/, '')).filter(Boolean)
  }
  return { servers, searches }
}
