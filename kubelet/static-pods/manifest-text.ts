import { inputLimits } from '../../shared/limits/input-limits.ts'
import { readYaml } from '../../shared/text/yaml.ts'

/** A manifest that no pod can be made of; the message says why, for the log. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
}

/**
 * Reads YAML or JSON as data, as the API server does.
 * @throws ManifestError
 */
export function readManifest(text: string): unknown {
  if (Buffer.byteLength(text) > inputLimits.yamlBytes) throw new ManifestError(`it is longer than ${inputLimits.yamlBytes} bytes`)
  if (text.trim() === '') throw new ManifestError('it is empty')
  try {
    const { value, duplicates } = readYaml(text)
    if (duplicates[0] !== undefined) throw new Error(duplicates[0].replaceAll(/\s*\n\s*/g, ' '))
    return value
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new ManifestError(`it is neither YAML nor JSON: ${why}`, { cause })
  }
}
