import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { alternativeNames } from '../../shared/certificates/alternative-names.ts'
import { writeFileIfDifferent } from '../../shared/certificates/atomic-file.ts'
import type { BootstrapToken } from '../../shared/certificates/bootstrap-token.ts'
import { loadOrMakeAuthority } from '../../shared/certificates/certificate-authority.ts'
import { type KeyPair, type LeafWish, loadOrIssueLeaf } from '../../shared/certificates/leaf-certificate.ts'
import type { Logger } from '../../shared/logging/logger.ts'
import type { Clock } from '../../shared/time/clock.ts'
import { CLUSTER, FRONT_PROXY } from './authorities.ts'
import { loadOrMakeBootstrapToken } from './bootstrap-token.ts'
import { FRONT_PROXY_CLIENT } from './front-proxy.ts'
import { type KubeconfigUser, kubeconfigJson, kubeconfigText } from './kubeconfig-text.ts'
import { loadOrMakeServiceAccountKeys, type ServiceAccountKeys } from './service-account-keys.ts'

export interface CredentialsOptions {
  /** Holds `pki/` with what is this server's alone: the certificates that it serves and asks kubelets with. */
  readonly dataDirectory: string
  /** What all servers of a cluster have the same: authorities, keys of tokens, the join token, the certificates of clients. */
  readonly pkiDirectory: string
  /** Where kubeconfigs and `signing/` go. */
  readonly credentialsDirectory: string
  /** What clients dial, e.g. `https://127.0.0.1:6443`; its host is one of the serving names. */
  readonly advertiseUrl: string
  /** What clients of all servers of the cluster dial; empty: this one is alone. */
  readonly advertiseServers: readonly string[]
  /** The first address of each range of Services; one of them is the `kubernetes` Service’s. */
  readonly serviceAddresses: readonly string[]
  readonly clusterDomain: string
  readonly hostname: string
  /** Further DNS names and addresses to serve under (`--tls-san`, `--advertise-address`). */
  readonly extraNames: readonly string[]
  readonly clock: Clock
  readonly log: Logger
}

/** All that the API server proves its identity with, and checks others' by. */
export interface ServerCredentials {
  /** PEM of the authority that client certificates must chain to and kubelets are verified by. */
  readonly authority: string
  readonly serving: KeyPair
  /** For connections to kubelets: user `kube-apiserver-kubelet-client`. */
  readonly kubeletClient: KeyPair
  /** PEM of the authority by which extension servers know the front proxy. */
  readonly frontProxyAuthority: string
  /** For connections to extension servers. */
  readonly frontProxyClient: KeyPair
  readonly serviceAccountKeys: ServiceAccountKeys
  readonly bootstrapToken: BootstrapToken
}

const LOCAL_NAMES = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost', 'apiserver', '127.0.0.1', '::1']

/** The kubeconfig that people use. */
const PEOPLE = 'admin'
/** Who gets a kubeconfig with a client certificate: file name, user, groups. */
const CLIENTS = [
  { file: PEOPLE, commonName: 'kubernetes-admin', organizations: ['system:masters'] },
  { file: 'controller-manager', commonName: 'system:kube-controller-manager', organizations: [] },
  { file: 'cloud-controller-manager', commonName: 'system:cloud-controller-manager', organizations: [] },
  { file: 'scheduler', commonName: 'system:kube-scheduler', organizations: [] },
  // In a folder of its own: who is asked by the whole world gets this folder and none of the other keys.
  { file: 'edge/ingress', commonName: 'coxswain:ingress', organizations: [] },
] as const

/**
 * Makes what is missing, renews what is about to expire or says the wrong thing, leaves the rest alone. Calling it again
 * while serving renews in time: compare `serving` and give it to the TLS server.
 * @throws UnusableFile for a damaged authority, token key or join token; a system error when a folder cannot be written.
 */
export async function prepareCredentials(options: CredentialsOptions): Promise<ServerCredentials> {
  const { clock, log, credentialsDirectory } = options
  const directory = join(options.dataDirectory, 'pki')
  const shared = options.pkiDirectory
  for (const each of [directory, shared]) mkdirSync(each, { recursive: true, mode: 0o700 })
  mkdirSync(credentialsDirectory, { recursive: true, mode: 0o700 })
  const now = clock.now()
  const authority = await loadOrMakeAuthority(shared, now, log, CLUSTER)
  const frontProxy = await loadOrMakeAuthority(shared, now, log, FRONT_PROXY)
  const leaf = (wish: LeafWish, folder = directory) => loadOrIssueLeaf(folder, authority, wish, now, log)

  const credentials: ServerCredentials = {
    authority: authority.certificate,
    serving: await leaf({
      file: 'apiserver',
      subject: { commonName: 'kube-apiserver', organizations: [] },
      usages: ['serverAuth'],
      names: alternativeNames(servingNames(options)),
    }),
    kubeletClient: await leaf({
      file: 'apiserver-kubelet-client',
      subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] },
      usages: ['clientAuth'],
    }),
    frontProxyAuthority: frontProxy.certificate,
    frontProxyClient: await loadOrIssueLeaf(
      directory,
      frontProxy,
      { file: FRONT_PROXY_CLIENT, subject: { commonName: FRONT_PROXY_CLIENT, organizations: [] }, usages: ['clientAuth'] },
      now,
      log,
    ),
    serviceAccountKeys: loadOrMakeServiceAccountKeys(shared),
    bootstrapToken: loadOrMakeBootstrapToken(shared),
  }

  const hand = (file: string, content: string, mode = 0o600) => {
    if (writeFileIfDifferent(join(credentialsDirectory, file), content, { mode })) log.info('wrote credentials', { file })
  }
  const kubeconfig = (file: string, user: KubeconfigUser) => {
    const write = file === PEOPLE ? kubeconfigText : kubeconfigJson
    hand(`${file}.kubeconfig`, write({ servers: serversOf(options), authority: authority.certificate }, user))
  }
  hand('ca.crt', authority.certificate, 0o644)
  hand('signing/ca.crt', authority.certificate, 0o644)
  hand('signing/ca.key', authority.key)
  for (const { file, ...subject } of CLIENTS) {
    kubeconfig(file, { name: subject.commonName, pair: await leaf({ file, subject, usages: ['clientAuth'] }, shared) })
  }
  const { id, secret } = credentials.bootstrapToken
  // In a folder of its own: a worker gets this folder and none of the other keys.
  kubeconfig('join/bootstrap', { name: `system:bootstrap:${id}`, token: `${id}.${secret}` })
  // No credentials at all: who passes on what people bring needs to know the server and nothing else.
  hand('dashboard/dashboard.kubeconfig', kubeconfigJson({ servers: serversOf(options), authority: authority.certificate }))
  return credentials
}

/** What clients of the cluster may dial, the first before the others. */
export function serversOf({
  advertiseUrl,
  advertiseServers,
}: Pick<CredentialsOptions, 'advertiseUrl' | 'advertiseServers'>): readonly string[] {
  return advertiseServers.length > 0 ? advertiseServers : [advertiseUrl]
}

/** What clients may call this server by. */
export function servingNames({ clusterDomain, hostname, serviceAddresses, advertiseUrl, extraNames }: CredentialsOptions): string[] {
  const advertised = new URL(advertiseUrl).hostname.replace(/^\[(.*)\]$/, '$1')
  return [...LOCAL_NAMES, `kubernetes.default.svc.${clusterDomain}`, ...serviceAddresses, hostname.toLowerCase(), advertised, ...extraNames]
}
