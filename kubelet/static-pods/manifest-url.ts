import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { Pod } from '../../shared/openapi/generated/core-v1.ts'
import { pause } from '../../shared/time/pause.ts'
import type { ManifestSource, ManifestSourceTools } from './manifest-source.ts'
import { ManifestError, readManifest } from './manifest-text.ts'
import { staticPod } from './static-pod.ts'

/** Upstream's: who serves manifests answers at once. Milliseconds. */
const PATIENCE = 10_000
/** Of one list. */
const MOST_PODS = 1_000

/** A Pod or a PodList that a server gives out, asked for from time to time. What cannot be had or read leaves the pods as they are. */
export function manifestUrl(
  url: string,
  headers: Readonly<Record<string, string>>,
  { nodeName, every, clock, log }: ManifestSourceTools,
): ManifestSource {
  function pods(text: string): Pod[] {
    const value = readManifest(text)
    const made = (one: unknown) => staticPod(one, { kind: 'http', name: url }, nodeName, clock.now())
    return itemsOf(value)?.map(made) ?? [made(value)]
  }

  return {
    async follow(found, signal) {
      let known: string | undefined
      while (!signal.aborted) {
        const patience = new AbortController()
        const timer = clock.after(PATIENCE, () => patience.abort(new Error(`no answer within ${PATIENCE / 1000} s`)))
        try {
          const text = await download(url, headers, AbortSignal.any([signal, patience.signal]))
          if (text !== known) found(pods(text))
          known = text
        } catch (error) {
          if (signal.aborted) return
          log.warn('manifests could not be had; their pods stay as they are', { url, why: whyOf(error) })
        } finally {
          timer.cancel()
        }
        await pause(clock, every, signal)
      }
    },
  }
}

/** The pods of a PodList, each with the type that its list says they have; undefined: it is no list. */
function itemsOf(value: unknown): unknown[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { apiVersion, kind, items }: { apiVersion?: unknown; kind?: unknown; items?: unknown } = value
  if (apiVersion !== 'v1' || (kind !== 'PodList' && kind !== 'List') || !Array.isArray(items)) return undefined
  if (items.length > MOST_PODS) throw new ManifestError(`it lists more than ${MOST_PODS} pods`)
  return items.map((item: unknown) => (typeof item === 'object' && item !== null ? { apiVersion: 'v1', kind: 'Pod', ...item } : item))
}

async function download(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { headers, signal })
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
  const decoder = new TextDecoder()
  let text = ''
  for await (const part of response.body ?? []) {
    text += decoder.decode(part, { stream: true })
    if (text.length > inputLimits.yamlBytes) throw new ManifestError(`it is longer than ${inputLimits.yamlBytes} bytes`)
  }
  return text
}

/** What fetch says is "fetch failed"; the reason is behind it. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
