import type { Random } from '../../shared/random/random.ts'
import { questionOf } from '../aliases.ts'
import { flag, type } from '../message/codes.ts'
import { exchange } from './exchange.ts'
import type { ForwarderTools } from './forwarder.ts'
import { type ServerAddress, serverText } from './server-address.ts'

const PROBE_DOMAIN = 'loop-check.coxswain.internal'
const PROBE_LETTERS = 16
const PROBE_MILLISECONDS = 1_000
/** How long a finding is believed. */
const BELIEVED_MILLISECONDS = 60_000

/** What is known of a server that was probed. */
interface Finding {
  token: string
  at: number
  isLooping: boolean
}

/**
 * Finds servers that ask us back, directly or through others, so that every question would go round until it is given up: each new server, and each that
 * did not answer, is asked for a name that nobody else can know. Whoever sees that name come in leaves the server out, and looks again after a minute.
 */
export class LoopWatch {
  readonly #tools: ForwarderTools
  readonly #findings = new Map<string, Finding>()

  constructor(tools: ForwarderTools) {
    this.#tools = tools
  }

  /** How many servers ask us back. */
  get looping(): number {
    return [...this.#findings.values()].filter(({ isLooping }) => isLooping).length
  }

  /** Those of `servers` that do not ask us back. */
  usable(servers: readonly ServerAddress[]): ServerAddress[] {
    return servers.filter((server) => {
      if (!this.#findings.get(serverText(server))?.isLooping) return true
      this.check(server)
      return false
    })
  }

  /** Probes a server, unless that was done lately. */
  check(server: ServerAddress): void {
    const { clock, random, log } = this.#tools
    const name = serverText(server)
    const known = this.#findings.get(name)
    if (known && clock.monotonic() - known.at < BELIEVED_MILLISECONDS) return
    const finding = { token: tokenOf(random), at: clock.monotonic(), isLooping: false }
    // Believed as before until the probe has ended.
    this.#findings.set(name, known ? { ...finding, isLooping: known.isLooping } : finding)
    const question = questionOf(`${finding.token}.${PROBE_DOMAIN}`, type.TXT)
    exchange(server, { question, flags: flag.recursionDesired, dnssecOk: false }, PROBE_MILLISECONDS, this.#tools)
      .catch((error: unknown) => log.debug('a probe for loops was not answered', { server: name, error }))
      .finally(() => this.#settle(name, finding.token))
  }

  /** Forgets servers that are no longer asked. */
  keep(servers: readonly ServerAddress[]): void {
    const names = new Set(servers.map(serverText))
    for (const name of this.#findings.keys()) if (!names.has(name)) this.#findings.delete(name)
  }

  /** Whether a question that came in is a probe of ours. */
  notice(name: string): boolean {
    if (!name.endsWith(`.${PROBE_DOMAIN}`)) return false
    const token = name.slice(0, PROBE_LETTERS)
    for (const [server, finding] of this.#findings) {
      if (finding.token !== token) continue
      if (!finding.isLooping)
        this.#tools.log.error('a server outside asks us back, and is left out: give the node other servers, or that one others to ask', {
          server,
        })
      this.#findings.set(server, { ...finding, isLooping: true, token: '' })
      return true
    }
    return false
  }

  /** Nothing came back of the probe: the server is fine. */
  #settle(server: string, token: string): void {
    const finding = this.#findings.get(server)
    if (finding?.token !== token) return
    if (finding.isLooping) this.#tools.log.info('a server outside no longer asks us back', { server })
    this.#findings.set(server, { ...finding, isLooping: false, token: '' })
  }
}

function tokenOf(random: Random): string {
  return random.nameSuffix(PROBE_LETTERS)
}
