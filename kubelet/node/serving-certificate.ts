import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import type { AlternativeNames } from '../../shared/certificates/alternative-names.ts'
import { issueAuthority, issueCertificate } from '../../shared/certificates/issue-certificate.ts'
import type { Client } from '../../shared/client/client.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { isIssuedBy, type KeyPair, loadCertificate, renewalTime, type StoredCertificate } from './certificate-store.ts'
import { obtainCertificate } from './obtain-certificate.ts'

export interface ServingCertificateOptions {
  nodeName: string
  rootDir: string
  /** Host name and addresses under which the API server dials this node. */
  names: AlternativeNames
  /** PEM of the authority that the certificate must be of. */
  authority: string
  clock: Clock
  random: Random
  log: Logger
}

/** A year; the self-signed one is replaced within seconds of joining. */
const SELF_SIGNED_LIFE = 365 * 24 * 60 * 60_000
const file = (rootDir: string) => join(rootDir, 'pki', 'kubelet-server-current.pem')

/**
 * What to serve with now: the cluster's certificate if there is one, be it for an address of before (the API server knows nodes by
 * their names), else one that the kubelet signed for itself.
 */
export async function servingCertificate(options: ServingCertificateOptions): Promise<KeyPair> {
  return ofCluster(options) ?? (await selfSigned(options))
}

/**
 * Gets a certificate from the cluster and renews it in time, until the signal aborts.
 * @param install called with each new one
 */
export async function keepServingCertificate(
  options: ServingCertificateOptions,
  client: Client,
  install: (pair: KeyPair) => void,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, random, rootDir, names, nodeName } = options
  while (!signal.aborted) {
    const present = usable(options)
    const due = present ? renewalTime(present.read, random) : clock.now()
    if (due > clock.now()) {
      await clock.sleep(Math.min(due - clock.now(), 60 * 60_000), signal).catch(() => {})
      if (clock.now() < due) continue
    }
    if (signal.aborted) return
    const wish = {
      signerName: 'kubernetes.io/kubelet-serving',
      subject: { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] },
      names,
      usages: ['digital signature', 'server auth'],
      file: file(rootDir),
    }
    const pair = await obtainCertificate(wish, { client, clock, log }, signal).catch((error) => {
      if (!signal.aborted) throw error
    })
    if (!pair) return
    install(pair)
    log.info('serving with a certificate of the cluster', { names: [...names.dnsNames, ...names.ipAddresses] })
    if (!usable(options)) {
      log.warn('the issued serving certificate does not say what was asked for; it is used until the next attempt', { node: nodeName })
      await clock.sleep(60_000, signal).catch(() => {})
    }
  }
}

function ofCluster({ rootDir, clock, authority }: ServingCertificateOptions): StoredCertificate | undefined {
  const stored = loadCertificate(file(rootDir))
  return stored && stored.read.notAfter > clock.now() && isIssuedBy(stored.read, authority) ? stored : undefined
}

/** Good for every name and address of now. */
function usable(options: ServingCertificateOptions): StoredCertificate | undefined {
  const { names } = options
  const stored = ofCluster(options)
  if (!stored) return undefined
  const has = stored.read.alternativeNames
  const covers = (wanted: readonly string[], given: readonly string[]) => wanted.every((name) => given.includes(name))
  return covers(names.dnsNames, has.dnsNames) && covers(names.ipAddresses, has.ipAddresses) ? stored : undefined
}

async function selfSigned({ clock, names, nodeName }: ServingCertificateOptions): Promise<KeyPair> {
  const life = { notBefore: clock.now() - 60_000, notAfter: clock.now() + SELF_SIGNED_LIFE }
  const issuerPair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = (key: typeof pair.privateKey) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
  const issuer = {
    certificate: await issueAuthority(issuerPair, { commonName: `${nodeName}-ca`, ...life }),
    key: pem(issuerPair.privateKey),
  }
  const subject = { commonName: nodeName, organizations: [] }
  const certificate = await issueCertificate(issuer, { subject, publicKey: pair.publicKey, ...life, usages: ['serverAuth'], names })
  return { certificate: certificate + issuer.certificate, key: pem(pair.privateKey) }
}
