import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import {
  type DerNode,
  derBitString,
  derElement,
  derOctetString,
  derOid,
  derSequence,
  derTag,
  derTrue,
  expectTag,
  readDer,
  readDerAll,
  readOid,
} from './der.ts'

/** Object identifiers of RFC 5280 and RFC 2986. */
export const extensionOid = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  /** The attribute of a request that carries the extensions it wishes for. */
  extensionRequest: '1.2.840.113549.1.9.14',
} as const

const EXTENDED_USAGES = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const
const KEY_USAGES = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, cRLSign: 0x02 } as const

export type ExtendedUsage = keyof typeof EXTENDED_USAGES
export type KeyUsage = keyof typeof KEY_USAGES

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

/** One extension; `critical` means that a reader who does not know it must refuse the certificate. */
export function encodeExtension(oid: string, value: Uint8Array, critical = false): Buffer {
  return derSequence(derOid(oid), ...(critical ? [derTrue()] : []), derOctetString(value))
}

export function encodeBasicConstraints(isAuthority: boolean): Buffer {
  return encodeExtension(extensionOid.basicConstraints, derSequence(...(isAuthority ? [derTrue()] : [])), true)
}

export function encodeKeyUsage(usages: readonly KeyUsage[]): Buffer {
  const bits = usages.reduce((sum, usage) => sum | KEY_USAGES[usage], 0)
  const unused = bits === 0 ? 0 : Math.log2(bits & -bits)
  return encodeExtension(extensionOid.keyUsage, derBitString(Buffer.of(bits), unused), true)
}

export function encodeExtendedKeyUsage(usages: readonly ExtendedUsage[]): Buffer {
  return encodeExtension(extensionOid.extendedKeyUsage, derSequence(...usages.map((usage) => derOid(EXTENDED_USAGES[usage]))))
}

/** @throws Error when an address is none */
export function encodeAlternativeNames({ dnsNames, ipAddresses }: AlternativeNames): Buffer {
  const names = [
    ...dnsNames.map((name) => derElement(derTag.contextPrimitive(2), Buffer.from(name, 'latin1'))),
    ...ipAddresses.map((address) => derElement(derTag.contextPrimitive(7), Buffer.from(ipaddr.parse(address).toByteArray()))),
  ]
  return encodeExtension(extensionOid.subjectAlternativeName, derSequence(...names))
}

/** The value of one extension of an Extensions sequence, or undefined. @throws Error when malformed */
export function findExtension(extensions: DerNode, oid: string): Buffer | undefined {
  for (const extension of readDerAll(expectTag(extensions, derTag.sequence).content)) {
    const [type, ...rest] = readDerAll(expectTag(extension, derTag.sequence).content)
    if (readOid(type) === oid) return expectTag(rest.at(-1), derTag.octetString).content
  }
  return undefined
}

/** Reads the value of a subjectAltName extension. @throws Error when malformed */
export function readAlternativeNames(value: Uint8Array): RequestedNames {
  const names = { dnsNames: [] as string[], ipAddresses: [] as string[], emailAddresses: [] as string[], uris: [] as string[] }
  for (const { tag, content } of readDerAll(readDer(value, derTag.sequence).content)) {
    if (tag === derTag.contextPrimitive(1)) names.emailAddresses.push(content.toString('latin1'))
    else if (tag === derTag.contextPrimitive(2)) names.dnsNames.push(content.toString('latin1'))
    else if (tag === derTag.contextPrimitive(6)) names.uris.push(content.toString('latin1'))
    else if (tag === derTag.contextPrimitive(7)) names.ipAddresses.push(ipaddr.fromByteArray([...content]).toString())
  }
  return names
}
