import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Logger } from '../logging/logger.ts'
import type { Random } from '../random/random.ts'
import type { Clock } from '../time/clock.ts'
import { readCertificate } from './read-certificate.ts'

/** Where a certificate, its key and the authority to trust lie. Certificate and key may be the same file. */
export interface TlsPaths {
  readonly certificate: string
  readonly key: string
  readonly authority?: string | undefined
}

/** PEM texts, ready for `tls.createSecureContext`. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca?: string | undefined
}

/** @throws Error that names the file when one is missing or damaged, or when certificate and key do not belong together */
export function loadTlsMaterial({ certificate, key, authority }: TlsPaths): TlsMaterial {
  const material = {
    cert: readFileSync(certificate, 'utf8'),
    key: readFileSync(key, 'utf8'),
    ...(authority === undefined ? {} : { ca: readFileSync(authority, 'utf8') }),
  }
  const { x509 } = attempt(certificate, () => readCertificate(material.cert))
  const privateKey = attempt(key, () => createPrivateKey(material.key))
  if (!x509.checkPrivateKey(privateKey)) throw new Error(`the key in ${key} does not belong to the certificate in ${certificate}`)
  if (material.ca !== undefined && authority !== undefined) attempt(authority, () => readCertificate(material.ca ?? ''))
  return material
}

/** Material that is read again when its files change. */
export interface WatchedTls {
  readonly current: TlsMaterial
  stop(): void
}

export interface WatchTlsTools {
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds between looks; default 10,000. Looking is reading two small files. */
  readonly interval?: number | undefined
}

/**
 * Loads material and calls back with each newer one: rotation needs no restart. Files that are half changed (a new
 * certificate, still the old key) are left for the next look. Compares contents and not times, because mounted Secrets
 * change by renamed folders. @throws as `loadTlsMaterial`, for the first load only
 */
export function watchTlsMaterial(paths: TlsPaths, tools: WatchTlsTools, onChange: (material: TlsMaterial) => void): WatchedTls {
  let current = loadTlsMaterial(paths)
  let complained = ''
  const look = () => {
    try {
      const next = loadTlsMaterial(paths)
      complained = ''
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) return
      current = next
      tools.log.info('loaded new TLS material', { file: paths.certificate })
      onChange(next)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      if (why !== complained) tools.log.warn('keeping the TLS material in use: the files are not usable', { why })
      complained = why
    }
  }
  const timer = tools.clock.every(tools.interval ?? 10_000, look)
  return {
    get current() {
      return current
    },
    stop: () => timer.cancel(),
  }
}

/** When a certificate should be replaced, in milliseconds since the epoch: after 70 to 90 % of its life, so that many nodes do not come at once. */
export function renewalTime(certificate: string, random: Random): number {
  const { notBefore, notAfter } = readCertificate(certificate)
  return notBefore + (notAfter - notBefore) * (0.7 + 0.2 * random.fraction())
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new Error(`${path} holds nothing usable (cut short or damaged?)`, { cause })
  }
}
