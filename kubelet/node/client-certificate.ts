import { join } from 'node:path'
import { readFileIfPresent, writeFileIfDifferent } from '../../shared/certificates/atomic-file.ts'
import type { Client } from '../../shared/client/client.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { isIssuedBy, loadCertificate, renewalTime } from './certificate-store.ts'
import { type ClusterAccess, nodeKubeconfig, readCluster, usesCertificate } from './kubeconfig-file.ts'
import { obtainCertificate } from './obtain-certificate.ts'

export interface ClientCertificateOptions {
  nodeName: string
  rootDir: string
  /** Written here once the node has joined; a file that somebody else wrote is used as it is. */
  kubeconfig: string
  /** Leads to the cluster with a join token; undefined or absent: the kubeconfig must be there. */
  bootstrapKubeconfig: string | undefined
  /** Makes a client of a kubeconfig file. */
  connect(kubeconfig: string): Client
  clock: Clock
  random: Random
  log: Logger
}

/** The processes beside the kubelet that act with the node's own identity. */
const SIBLINGS = ['kube-proxy', 'dns']

/** Where certificate and key are, together. */
export function clientCertificateFile(rootDir: string): string {
  return join(rootDir, 'pki', 'kubelet-client-current.pem')
}

/**
 * Resolves once the kubeconfig can be used: at once when this node has joined before, after the cluster issued a certificate
 * otherwise. A node whose cluster was made anew (another authority) joins again. Waits, with messages, for whatever is missing.
 */
export async function ensureClientCertificate(options: ClientCertificateOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options
  for (let waited = 0; ; waited++) {
    const access = readAccess(options)
    if (access === 'foreign') return
    if (access) return joinCluster(access, options, signal)
    if (waited % 20 === 0) log.info('waiting for a way to join the cluster', { files: [options.kubeconfig, options.bootstrapKubeconfig] })
    await clock.sleep(500, signal)
  }
}

/** `foreign`: a kubeconfig that is not ours to manage. */
function readAccess(options: ClientCertificateOptions): ClusterAccess | 'foreign' | undefined {
  const present = readFileIfPresent(options.kubeconfig)
  const isOurs = present !== undefined && usesCertificate(present, clientCertificateFile(options.rootDir))
  if (present !== undefined && !isOurs) return 'foreign'
  const bootstrap = options.bootstrapKubeconfig && readFileIfPresent(options.bootstrapKubeconfig)
  // The join file is newer than what was written when the node joined: address and authority may have changed since.
  const text = bootstrap || present
  return text ? readCluster(text) : undefined
}

async function joinCluster(access: ClusterAccess, options: ClientCertificateOptions, signal: AbortSignal): Promise<void> {
  const { log, clock, nodeName, bootstrapKubeconfig } = options
  const objection = objectionTo(access, options)
  if (objection !== undefined) {
    if (!bootstrapKubeconfig)
      throw new Error(`the node's certificate cannot be used (${objection}) and there is no --bootstrap-kubeconfig to get another`)
    log.info('joining the cluster', { node: nodeName, server: access.server, why: objection })
    const client = options.connect(bootstrapKubeconfig)
    await obtainCertificate(wish(options), { client, clock, log }, signal)
    log.info('joined the cluster', { node: nodeName })
  }
  writeKubeconfigs(access, options)
}

/** Why the certificate that is there cannot be used, or undefined. */
function objectionTo(access: ClusterAccess, { rootDir, clock, nodeName }: ClientCertificateOptions): string | undefined {
  const stored = loadCertificate(clientCertificateFile(rootDir))
  if (!stored) return 'there is none yet'
  if (stored.read.notAfter <= clock.now()) return 'it has expired'
  if (stored.read.subject.commonName !== userName(nodeName)) return 'it is for another node'
  if (!isIssuedBy(stored.read, access.authority)) return 'it is of another cluster'
  return undefined
}

const userName = (nodeName: string) => `system:node:${nodeName}`

const wish = ({ nodeName, rootDir }: ClientCertificateOptions) => ({
  signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
  subject: { commonName: userName(nodeName), organizations: ['system:nodes'] },
  usages: ['digital signature', 'client auth'],
  file: clientCertificateFile(rootDir),
})

function writeKubeconfigs(access: ClusterAccess, { rootDir, kubeconfig, nodeName, log }: ClientCertificateOptions): void {
  const text = nodeKubeconfig(access, userName(nodeName), clientCertificateFile(rootDir))
  for (const file of [kubeconfig, ...SIBLINGS.map((name) => join(rootDir, `${name}.kubeconfig`))]) {
    if (writeFileIfDifferent(file, text)) log.info('wrote a kubeconfig', { file })
  }
}

/** Renews the certificate in time, until the signal aborts. Does nothing for a kubeconfig that is not ours. */
export async function rotateClientCertificate(options: ClientCertificateOptions, client: Client, signal: AbortSignal): Promise<void> {
  const { clock, log, random, rootDir } = options
  const file = clientCertificateFile(rootDir)
  const text = readFileIfPresent(options.kubeconfig)
  if (text === undefined || !usesCertificate(text, file)) return
  while (!signal.aborted) {
    const stored = loadCertificate(file)
    const due = stored ? renewalTime(stored.read, random) : clock.now()
    if (due > clock.now()) {
      // In steps, because a machine that was asleep must notice when it wakes.
      await clock.sleep(Math.min(due - clock.now(), 60 * 60_000), signal).catch(() => {})
      if (clock.now() < due) continue
    }
    if (signal.aborted) return
    log.info('renewing the client certificate', { notAfter: stored?.read.notAfter })
    await obtainCertificate(wish(options), { client, clock, log }, signal).catch((error) => {
      if (!signal.aborted) throw error
    })
  }
}
