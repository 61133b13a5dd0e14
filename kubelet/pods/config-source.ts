import type { Reader } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { ConfigMap, Secret } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** Config maps and secrets that pods of this node refer to. Absent objects are undefined; other failures are thrown. */
export interface ConfigSource {
  configMap(namespace: string, name: string, signal: AbortSignal): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string, signal: AbortSignal): Promise<Secret | undefined>
}

/** How long an answer may serve again: pods of one workload start together and read the same objects. */
const FRESH_MILLISECONDS = 1000

/** Reads from the API server, by name, which is all that a node may do; simultaneous readers share a request. */
export function configSource(reader: Reader, clock: Clock): ConfigSource {
  const maps = shared((namespace, name, signal) => reader.get('v1', 'ConfigMap', { namespace, name }, { signal }), clock)
  const secrets = shared((namespace, name, signal) => reader.get('v1', 'Secret', { namespace, name }, { signal }), clock)
  return { configMap: maps, secret: secrets }
}

type Get<T> = (namespace: string, name: string, signal: AbortSignal) => Promise<T>

function shared<T>(get: Get<T>, clock: Clock): Get<T | undefined> {
  const answers = new Map<string, { at: number; answer: Promise<T | undefined> }>()

  async function ask(namespace: string, name: string, signal: AbortSignal): Promise<T | undefined> {
    try {
      return await get(namespace, name, signal)
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  return (namespace, name, signal) => {
    const now = clock.monotonic()
    for (const [key, { at }] of answers) if (now - at > FRESH_MILLISECONDS) answers.delete(key)
    const key = `${namespace}/${name}`
    const known = answers.get(key)
    if (known) return known.answer
    const answer = ask(namespace, name, signal)
    answers.set(key, { at: now, answer })
    // A failure, or an absence that somebody is about to repair, is not worth keeping.
    answer.then(
      (value) => value === undefined && answers.delete(key),
      () => answers.delete(key),
    )
    return answer
  }
}
