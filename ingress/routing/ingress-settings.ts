import { own } from '../../shared/objects/own.ts'
import { parseDuration } from '../../shared/process/setting.ts'

/** What an Ingress may say about itself beyond its spec; all other annotations under our prefix are mistakes. */
export interface IngressSettings {
  /** HTTP is answered with a redirect to HTTPS, for hosts with TLS. */
  readonly redirectsToHttps: boolean
  /** Milliseconds; undefined: as the process was told. */
  readonly answerTimeout?: number | undefined
  readonly idleTimeout?: number | undefined
  readonly maxBodyBytes?: number | undefined
}

const PREFIX = 'ingress.coxswain/'

/** The annotations, without their prefix. */
const readers = {
  'https-redirect': (text: string) => ({ redirectsToHttps: yesOrNo(text) }),
  'answer-timeout': (text: string) => ({ answerTimeout: positiveDuration(text) }),
  'idle-timeout': (text: string) => ({ idleTimeout: positiveDuration(text) }),
  'max-body-bytes': (text: string) => ({ maxBodyBytes: wholeNumber(text) }),
} as const

/** Settings that cannot be read are left at their defaults, and said in a sentence each. */
export function readIngressSettings(annotations: Readonly<Record<string, string>> | undefined): {
  readonly settings: IngressSettings
  readonly problems: readonly string[]
} {
  const problems: string[] = []
  let settings: IngressSettings = { redirectsToHttps: true }
  for (const [key, text] of Object.entries(annotations ?? {})) {
    if (!key.startsWith(PREFIX)) continue
    const read = own<(text: string) => Partial<IngressSettings>>(readers, key.slice(PREFIX.length))
    if (!read) {
      problems.push(
        `the annotation ${key} is none that is known: there are ${Object.keys(readers)
          .map((name) => PREFIX + name)
          .join(', ')}`,
      )
      continue
    }
    try {
      settings = { ...settings, ...read(text) }
    } catch (error) {
      problems.push(`the annotation ${key} is not usable: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return { settings, problems }
}

function yesOrNo(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new Error(`${JSON.stringify(text)} is neither "true" nor "false"`)
}

function positiveDuration(text: string): number {
  const milliseconds = parseDuration(text)
  if (milliseconds < 1) throw new Error(`${JSON.stringify(text)} is too short`)
  return milliseconds
}

function wholeNumber(text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(number)) throw new Error(`${JSON.stringify(text)} is not a whole number`)
  return number
}
