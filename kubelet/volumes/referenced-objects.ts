import type { Reader } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { ConfigMap, Secret } from '../../shared/openapi/generated/core-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'

/** How old an answer may be: `now` for a pod that starts, `recent` for keeping running pods up to date. */
export type Freshness = 'now' | 'recent'

/** ConfigMaps and Secrets that pods refer to. Undefined: there is no such object. */
export interface ReferencedObjects {
  configMap(namespace: string, name: string, freshness: Freshness, signal: AbortSignal): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string, freshness: Freshness, signal: AbortSignal): Promise<Secret | undefined>
}

/** Milliseconds for which an answer serves those who can do with a recent one. */
const RECENT = 30_000

interface Answer<T> {
  value: Promise<T | undefined>
  at: number
  settled: boolean
  isImmutable: boolean
}

/**
 * Reads each object once for all pods that ask at the same time (every pod has kube-root-ca.crt), and at most twice a minute for
 * those that merely want to stay up to date. One read instead of one watch an object: a node has hundreds, and few ever change.
 */
export function referencedObjects(reader: Reader, clock: Clock): ReferencedObjects {
  const configMaps = cached<ConfigMap>(clock, (namespace, name, signal) => reader.get('v1', 'ConfigMap', { namespace, name }, { signal }))
  const secrets = cached<Secret>(clock, (namespace, name, signal) => reader.get('v1', 'Secret', { namespace, name }, { signal }))
  return { configMap: configMaps, secret: secrets }
}

type Read<T> = (namespace: string, name: string, signal: AbortSignal) => Promise<T>

function cached<T extends { immutable?: boolean | undefined }>(clock: Clock, read: Read<T>) {
  const answers = new Map<string, Answer<T>>()
  const askNow = async (key: string, namespace: string, name: string, signal: AbortSignal): Promise<T | undefined> => {
    if (answers.size > 1_000) forget(answers, clock.monotonic())
    const answer: Answer<T> = { value: ask(read, namespace, name, signal), at: clock.monotonic(), settled: false, isImmutable: false }
    answers.set(key, answer)
    const drop = () => {
      if (answers.get(key) === answer) answers.delete(key)
    }
    try {
      const value = await answer.value
      answer.isImmutable = value?.immutable === true
      if (!value) drop()
      return value
    } catch (error) {
      drop()
      throw error
    } finally {
      answer.settled = true
    }
  }
  return async (namespace: string, name: string, freshness: Freshness, signal: AbortSignal): Promise<T | undefined> => {
    const key = `${namespace}/${name}`
    const known = answers.get(key)
    if (!known || !isGoodEnough(known, freshness, clock.monotonic())) return askNow(key, namespace, name, signal)
    try {
      return await known.value
    } catch (error) {
      signal.throwIfAborted()
      // The one who asked may have given up; that must not be our failure.
      if (known.settled) return askNow(key, namespace, name, signal)
      throw error
    }
  }
}

function isGoodEnough(answer: Answer<unknown>, freshness: Freshness, now: number): boolean {
  if (!answer.settled) return true
  return freshness === 'recent' && (answer.isImmutable || now - answer.at < RECENT)
}

function forget(answers: Map<string, Answer<unknown>>, now: number): void {
  for (const [key, answer] of answers) if (answer.settled && now - answer.at > RECENT) answers.delete(key)
}

async function ask<T>(read: Read<T>, namespace: string, name: string, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await read(namespace, name, signal)
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined
    throw error
  }
}
