import type { Random } from '../../shared/random/random.ts'
import { unknownPath } from '../http/request-info.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import type { Call } from '../verbs/call.ts'
import type { ConnectTools } from './connect-call.ts'
import type { DialRule } from './dialable-address.ts'
import { KubeletConnections, type KubeletCredentials } from './kubelet-connection.ts'
import { podLog } from './pod-log.ts'
import { podPortForward, podSession } from './pod-streams.ts'
import { nodeProxy, podProxy, serviceProxy } from './proxies.ts'

export interface ConnectOptions {
  readonly reader: ObjectReader
  /** Asked for each connection, so that renewed ones are used. */
  readonly credentials: () => KubeletCredentials
  readonly require: ConnectTools['require']
  readonly random: Random
  /** Where this server connects to on behalf of others. */
  readonly rule: DialRule
}

/** The sub-resources that are streams to and from nodes. */
export interface Connect {
  /** Serves an authorised call until its streams have ended. @throws StatusError as long as nothing was answered */
  handle(call: Call): Promise<void>
  close(): void
}

export function createConnect({ reader, credentials, require, random, rule }: ConnectOptions): Connect {
  const kubelets = new KubeletConnections(reader, credentials, rule)
  const tools = { reader, kubelets, require, random, credentials, rule }
  return {
    async handle(call) {
      const { resource, subresource } = call.info
      switch (`${resource}/${subresource}`) {
        case 'pods/log':
          return podLog(call, tools)
        case 'pods/exec':
        case 'pods/attach':
          return podSession(call, tools)
        case 'pods/portforward':
          return podPortForward(call, tools)
        case 'pods/proxy':
          return podProxy(call, tools)
        case 'services/proxy':
          return serviceProxy(call, tools)
        case 'nodes/proxy':
          return nodeProxy(call, tools)
        default:
          throw unknownPath()
      }
    },
    close: () => kubelets.close(),
  }
}
