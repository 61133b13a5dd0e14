import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { rmSync } from 'node:fs'
import type { AlternativeNames } from '../../shared/certificates/alternative-names.ts'
import { readFileIfPresent, writeFileAtomically } from '../../shared/certificates/atomic-file.ts'
import { createRequest } from '../../shared/certificates/certificate-request.ts'
import { readCertificate } from '../../shared/certificates/read-certificate.ts'
import type { Subject } from '../../shared/certificates/subject.ts'
import type { Client } from '../../shared/client/client.ts'
import { hasReason } from '../../shared/errors/status-error.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { CertificateSigningRequest } from '../../shared/openapi/generated/certificates-v1.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { type KeyPair, loadCertificate, storeCertificate } from './certificate-store.ts'

/** What the certificate is for. */
export interface CertificateWish {
  /** e.g. `kubernetes.io/kubelet-serving`. */
  signerName: string
  subject: Subject
  names?: AlternativeNames | undefined
  usages: readonly string[]
  /** Where certificate and key are kept. While the request is pending the key waits beside it, so that a restarted kubelet goes on with it. */
  file: string
}

interface Tools {
  client: Client
  clock: Clock
  log: Logger
}

const CSR = ['certificates.k8s.io/v1', 'CertificateSigningRequest'] as const
/** A request nobody decided on for this long is given up for a new one. Milliseconds. */
const PATIENCE = 15 * 60_000
const RETRY = { first: 200, most: 10_000 }

/** Asks the cluster for a certificate, waits for it however long that takes, and stores it; rejects only when the signal aborts. */
export async function obtainCertificate(wish: CertificateWish, tools: Tools, signal: AbortSignal): Promise<KeyPair> {
  const { clock, log } = tools
  for (let wait = RETRY.first; ; wait = Math.min(wait * 2, RETRY.most)) {
    try {
      return await requestOnce(wish, tools, signal)
    } catch (error) {
      signal.throwIfAborted()
      log.warn('no certificate was obtained yet', { signer: wish.signerName, error, retryMilliseconds: wait })
      await clock.sleep(wait, signal)
    }
  }
}

async function requestOnce(wish: CertificateWish, tools: Tools, signal: AbortSignal): Promise<KeyPair> {
  const { client, log } = tools
  const pendingFile = `${wish.file}.pending`
  const key = readPendingKey(pendingFile, wish.file) ?? makePendingKey(pendingFile)
  const name = requestName(wish, key)
  try {
    const request = Buffer.from(await createRequest(key, wish.subject, wish.names)).toString('base64')
    const spec = { request, signerName: wish.signerName, usages: [...wish.usages] }
    await client.create(...CSR, { metadata: { name }, spec }, { signal })
    log.info('asked for a certificate', { request: name, signer: wish.signerName })
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
    log.info('waiting for a certificate that was asked for earlier', { request: name, signer: wish.signerName })
  }
  try {
    const certificate = await awaitDecision(name, tools, signal)
    if (!readCertificate(certificate).x509.checkPrivateKey(createPrivateKey(key))) throw new Error(`${name} was answered for another key`)
    storeCertificate(wish.file, { certificate, key })
    rmSync(pendingFile, { force: true })
    return { certificate, key }
  } catch (error) {
    // Decided against, or never: the next attempt is a new request, which needs a new key.
    if (!signal.aborted) rmSync(pendingFile, { force: true })
    throw error
  }
}

/** The key of a request that was not answered yet; one that was (we died before it was taken away) would get the same answer for ever. */
function readPendingKey(pendingFile: string, file: string): string | undefined {
  const text = readFileIfPresent(pendingFile)
  if (text === undefined || loadCertificate(file)?.key.trim() === text.trim()) return undefined
  try {
    createPrivateKey(text)
    return text
  } catch {
    return undefined // half written by somebody's editor, or emptied by a full disk: a new one is as good
  }
}

function makePendingKey(file: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  writeFileAtomically(file, key)
  return key
}

/** The same key and wish give the same name, so that asking twice is asking once. */
function requestName(wish: CertificateWish, key: string): string {
  const hash = createHash('sha256')
  hash.update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
  hash.update(JSON.stringify([wish.signerName, wish.subject, wish.names ?? null]))
  return `node-csr-${hash.digest('hex').slice(0, 40)}`
}

/** Resolves with the certificate (PEM). @throws Error when it was denied, has failed, vanished, or nobody decided in time */
async function awaitDecision(name: string, { client, clock, log }: Tools, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, deadline(clock, PATIENCE, signal)])
  const reminder = clock.every(10_000, () => log.info('waiting for the certificate to be approved and issued', { request: name }))
  try {
    for (;;) {
      const present = await client.get(...CSR, { name }, { signal: limit })
      const early = decisionOf(present)
      if (early !== undefined) return early
      const options = { fieldSelector: `metadata.name=${name}`, resourceVersion: present.metadata.resourceVersion, signal: limit }
      try {
        for await (const event of client.watch(...CSR, options)) {
          if (event.type === 'DELETED') throw new Error(`certificate request ${name} was deleted`)
          const decision = event.type === 'BOOKMARK' ? undefined : decisionOf(event.object)
          if (decision !== undefined) return decision
        }
      } catch (error) {
        limit.throwIfAborted()
        if (error instanceof Refusal) throw error
        log.debug('the watch of the certificate request ended', { request: name, error })
        await clock.sleep(1_000, limit)
      }
    }
  } finally {
    reminder.cancel()
  }
}

class Refusal extends Error {}

function decisionOf({ metadata, status }: CertificateSigningRequest): string | undefined {
  for (const condition of status.conditions ?? []) {
    if (condition.type === 'Denied' || condition.type === 'Failed') {
      throw new Refusal(
        `certificate request ${metadata.name} was ${condition.type.toLowerCase()}: ${condition.message ?? condition.reason}`,
      )
    }
  }
  return status.certificate ? Buffer.from(status.certificate, 'base64').toString('utf8') : undefined
}

function deadline(clock: Clock, milliseconds: number, signal: AbortSignal): AbortSignal {
  const control = new AbortController()
  const timer = clock.after(milliseconds, () => control.abort(new Error('nobody decided on the certificate request in time')))
  signal.addEventListener('abort', () => timer.cancel(), { once: true })
  return control.signal
}
