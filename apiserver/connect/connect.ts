import type { Logger } from '../../shared/logging/logger.ts'
import type { KubeObject } from '../../shared/objects/object.ts'
import type { Random } from '../../shared/random/random.ts'
import { StreamScopes } from '../../shared/streams/stream-scope.ts'
import { unknownPath } from '../http/request-info.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { Call } from '../verbs/call.ts'
import type { ConnectTools } from './connect-call.ts'
import { connectOptions } from './connect-options.ts'
import type { DialRule } from './dialable-address.ts'
import { KubeletConnections, type KubeletCredentials } from './kubelet-connection.ts'
import { nodeMetrics } from './node-metrics.ts'
import { podLog } from './pod-log.ts'
import { checkSessionVerb, isSession, podPortForward, podSession } from './pod-streams.ts'
import { nodeProxy, podProxy, serviceProxy } from './proxies.ts'

export interface ConnectOptions {
  readonly reader: ObjectReader
  /** Asked for each connection, so that renewed ones are used. */
  readonly credentials: () => KubeletCredentials
  readonly require: ConnectTools['require']
  /** Asks admission about a connection with these options. @throws StatusError */
  readonly admit: (call: Call, options: KubeObject) => Promise<void>
  readonly random: Random
  /** Where this server connects to on behalf of others. */
  readonly rule: DialRule
  readonly log: Logger
}

/** The sub-resources that are streams to and from nodes. */
export interface Connect {
  /** Serves an authorised call until its streams have ended. @throws StatusError as long as nothing was answered */
  handle(call: Call): Promise<void>
  /** The text of a node's `/metrics/resource`. @throws StatusError when the node cannot be reached or refuses */
  nodeMetrics(node: string, signal: AbortSignal): Promise<string>
  /** Open streams by what they serve. */
  counts(): ReturnType<StreamScopes['counts']>
  /** Ends every stream. */
  close(): void
}

export function createConnect({ reader, credentials, require, admit, random, rule, log }: ConnectOptions): Connect {
  const kubelets = new KubeletConnections(reader, credentials, rule)
  const scopes = new StreamScopes(log)
  const tools = { reader, kubelets, require, random, credentials, rule }
  return {
    handle(call) {
      const { resource, subresource, path } = call.info
      const verb = `${resource}/${subresource}`
      return scopes.run(verb, path, async (scope) => {
        call.reply.onClose(() => scope.end(new Error('the client went away')))
        if (isSession(call)) checkSessionVerb(call, tools)
        const options = connectOptions(call.info)
        if (options) await admit(call, options)
        scope.signal.throwIfAborted()
        switch (verb) {
          case 'pods/log':
            return podLog(call, tools, scope)
          case 'pods/exec':
          case 'pods/attach':
            return podSession(call, tools, scope)
          case 'pods/portforward':
            return podPortForward(call, tools, scope)
          case 'pods/proxy':
            return podProxy(call, tools, scope)
          case 'services/proxy':
            return serviceProxy(call, tools, scope)
          case 'nodes/proxy':
            return nodeProxy(call, tools, scope)
          default:
            throw unknownPath()
        }
      })
    },
    nodeMetrics: (node, signal) => nodeMetrics(kubelets, node, signal),
    counts: () => scopes.counts(),
    close() {
      scopes.endAll()
      kubelets.close()
    },
  }
}
