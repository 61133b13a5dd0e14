import type { AuthorityWish } from '../../shared/certificates/certificate-authority.ts'

const cure =
  'restore it from a backup; or, to found a new identity for the cluster, remove the whole pki folder: then every kubeconfig and every node must join again'

/** Signs who people, nodes and servers are. */
export const CLUSTER: AuthorityWish = { file: 'ca', commonName: 'kubernetes', cure }
/** Signs the one who may say to extension servers whom it speaks for: whoever trusts it believes every name, so it signs nobody else. */
export const FRONT_PROXY: AuthorityWish = { file: 'front-proxy-ca', commonName: 'front-proxy-ca', cure }
