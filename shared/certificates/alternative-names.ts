import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Names a certificate is good for besides its subject. */
export interface AlternativeNames {
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
}

/** What a request asked for; e-mail addresses and URIs only matter because approvers refuse them. */
export interface RequestedNames extends AlternativeNames {
  readonly emailAddresses: readonly string[]
  readonly uris: readonly string[]
}

/** Sorts names into addresses (in their canonical form) and DNS names, dropping doubles. */
export function alternativeNames(names: Iterable<string>): AlternativeNames {
  const canonical = [...names].map((name) => (isIP(name) === 0 ? name : ipaddr.parse(name).toString()))
  const unique = [...new Set(canonical)].filter((name) => name !== '')
  return { dnsNames: unique.filter((name) => isIP(name) === 0), ipAddresses: unique.filter((name) => isIP(name) !== 0) }
}

/**
 * The DNS names and addresses of a certificate, from Node's text of them. Names of other types, and those that the text quotes because
 * they hold what separates names, are left out: to whoever compares with what was wished for they are missing.
 */
export function alternativeNamesOf({ subjectAltName = '' }: X509Certificate): AlternativeNames {
  const dnsNames: string[] = []
  const ipAddresses: string[] = []
  for (const [, type, name = ''] of subjectAltName.matchAll(/(?<=^|, )(DNS|IP Address):([^",\s]*)(?=$|, )/g)) {
    if (type === 'DNS') dnsNames.push(name)
    else if (isIP(name) !== 0) ipAddresses.push(ipaddr.parse(name).toString())
  }
  return { dnsNames, ipAddresses }
}
