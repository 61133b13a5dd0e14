import { inputLimits } from '../../shared/limits/input-limits.ts'

/** A manifest that no pod can be made of; the message says why, for the log. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
}

/** Tags of YAML 1.1 whose values JSON does not have; without them dates and times stay text, as Kubernetes' readers have it. */
const NOT_IN_JSON = /:(timestamp|binary|omap|pairs|set)$/

/**
 * Reads YAML 1.1 or JSON as data. The reader is loaded here: most nodes have no manifests.
 * @throws ManifestError
 */
export async function readManifest(text: string): Promise<unknown> {
  if (Buffer.byteLength(text) > inputLimits.yamlBytes) throw new ManifestError(`it is longer than ${inputLimits.yamlBytes} bytes`)
  if (text.trim() === '') throw new ManifestError('it is empty')
  const { parseDocument } = await import('yaml')
  try {
    const document = parseDocument(text, {
      version: '1.1',
      merge: true,
      uniqueKeys: true,
      customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || (!NOT_IN_JSON.test(tag.tag) && tag.format !== 'TIME')),
    })
    const [error] = document.errors
    if (error) throw error
    // Through JSON: nothing but data, and nothing shared.
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 })))
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new ManifestError(`it is neither YAML nor JSON: ${why}`, { cause })
  }
}
