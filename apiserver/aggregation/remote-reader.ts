import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { collectAnswer } from '../../shared/streams/collect-answer.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { systemGroup } from '../authn/system-names.ts'
import type { DialRule } from '../connect/dialable-address.ts'
import { dialFailure } from '../connect/hook-failure.ts'
import { tlsOptions } from '../connect/http-proxy.ts'
import { parseJson } from '../http/body.ts'
import { identityHeaders } from './identity-headers.ts'
import type { RemoteService } from './remote-services.ts'
import { type RemoteTools, remoteTarget, serverName } from './remote-target.ts'

export interface RemoteReaderParts extends RemoteTools {
  readonly rule: DialRule
  readonly clock: Clock
}

/** As upstream's availability controller introduces itself. */
const AGGREGATOR = { name: 'system:kube-aggregator', groups: [systemGroup.masters] }
/** For all of one question. Milliseconds; upstream's discovery check has the same. */
const PATIENCE = 5_000
const MOST_BYTES = 4 * 1024 * 1024

/** Asks an extension server about itself: one bounded GET. */
export class RemoteReader {
  readonly #parts: RemoteReaderParts
  readonly #closing = new AbortController()

  constructor(parts: RemoteReaderParts) {
    this.#parts = parts
  }

  /** The JSON under a path. @throws Error that says what was asked and why there is no answer */
  async read(remote: RemoteService, path: string): Promise<unknown> {
    const { clock } = this.#parts
    const controller = new AbortController()
    const timer = clock.after(PATIENCE, () => controller.abort(new Error('context deadline exceeded')))
    try {
      return parseJson(await this.#get(remote, path, AbortSignal.any([controller.signal, this.#closing.signal]))).value
    } catch (cause) {
      const why = controller.signal.aborted ? controller.signal.reason : cause
      const url = `https://${serverName(remote)}:${remote.service.spec.service?.port ?? 443}${path}`
      throw new Error(`failing or missing response from ${url}: ${(why as Error).message}`, { cause })
    } finally {
      timer.cancel()
    }
  }

  /** Ends every question. */
  close(): void {
    this.#closing.abort(new Error('the server is stopping'))
  }

  async #get(remote: RemoteService, path: string, signal: AbortSignal): Promise<Buffer> {
    const { rule } = this.#parts
    const target = remoteTarget(remote, this.#parts)
    rule.require(target.host)
    const { host, port } = target
    const headers = {
      ...identityHeaders(AGGREGATOR),
      host: serverName(remote),
      accept: 'application/json',
      'user-agent': 'coxswain-apiserver',
    }
    const options = { host, port, path, headers, agent: false, lookup: rule.lookup, signal, ...tlsOptions(target) }
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = httpsRequest(options, resolve)
      outgoing.once('error', (error) => reject(dialFailure(error, target)))
      outgoing.end()
    })
    const bytes = await collectAnswer(answer, MOST_BYTES, signal)
    const code = answer.statusCode ?? 0
    if (code >= 200 && code < 300) return bytes
    throw new Error(`bad status from ${host}:${port}: ${code}`)
  }
}
