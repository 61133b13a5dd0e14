import type { IncomingMessage } from 'node:http'
import { StatusError } from '../../shared/errors/status-error.ts'
import type { StreamScope } from '../../shared/streams/stream-scope.ts'
import { messageReply } from '../http/message-reply.ts'
import { isTrue, methodNotAllowed } from '../http/request-info.ts'
import type { Call } from '../verbs/call.ts'
import { type ConnectTools, containerOf, kubeletPath, podOf } from './connect-call.ts'
import { passOn } from './pass-on.ts'

/** What kubelets understand (core/v1 PodLogOptions). */
const OPTIONS = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'timestamps', 'tailLines', 'limitBytes']
const MOST_ERROR_BYTES = 64 * 1024

/** `pods/log`: the container's output from its node, as fast as the client reads. */
export async function podLog(call: Call, { reader, kubelets }: ConnectTools, scope: StreamScope): Promise<void> {
  const { info } = call
  if (info.verb !== 'get') throw methodNotAllowed()
  checkNumbers(info.query)
  const pod = podOf(call, reader)
  const container = containerOf(pod, info.query.get('container') ?? '')
  const { nodeName } = pod.spec
  // Nothing has been written yet by a pod that is nowhere.
  if (!nodeName) return call.reply.send(200, 'text/plain', '')
  const query = new URLSearchParams()
  for (const name of OPTIONS) {
    const value = info.query.get(name)
    if (value) query.set(name, value)
  }
  const path = `${kubeletPath('containerLogs', info.namespace, info.name, container)}${query.size > 0 ? `?${query}` : ''}`
  const insecure = isTrue(info.query.get('insecureSkipTLSVerifyBackend'))
  const answer = await kubelets.get(kubelets.addressOf(nodeName), path, { signal: scope.signal, insecure })
  scope.own(answer)
  if (answer.statusCode !== 200) throw await refusal(answer, info.name)
  const reply = await messageReply(call, 'bytes')
  reply.begin(200, 'text/plain')
  await passOn(answer, reply)
}

function checkNumbers(query: URLSearchParams): void {
  const since = query.get('sinceSeconds')
  if (since && query.get('sinceTime')) throw new StatusError('BadRequest', 'at most one of `sinceTime` or `sinceSeconds` may be specified')
  for (const [name, least] of [
    ['tailLines', 0],
    ['limitBytes', 1],
    ['sinceSeconds', 1],
  ] as const) {
    const text = query.get(name)
    if (!text) continue
    if (!/^-?\d{1,18}$/.test(text)) throw new StatusError('BadRequest', `${name}: ${JSON.stringify(text)} is no whole number`)
    if (Number(text) < least) {
      const message = least === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0'
      throw new StatusError('Invalid', `PodLogOptions "" is invalid: ${name}: Invalid value: ${text}: ${message}`, {
        details: {
          kind: 'PodLogOptions',
          causes: [{ reason: 'FieldValueInvalid', field: name, message: `Invalid value: ${text}: ${message}` }],
        },
      })
    }
  }
}

/** A kubelet explains itself in plain text. */
async function refusal(answer: IncomingMessage, pod: string): Promise<StatusError> {
  let text = ''
  for await (const chunk of answer) {
    text += String(chunk)
    if (text.length > MOST_ERROR_BYTES) break
  }
  const code = answer.statusCode ?? 500
  if (code === 400) return new StatusError('BadRequest', text)
  if (code === 404)
    return new StatusError('NotFound', text || `the server could not find the requested resource`, {
      details: { name: pod, kind: 'pods/log' },
    })
  return new StatusError('InternalError', `Internal error occurred: ${text || `the node answered ${code}`}`)
}
