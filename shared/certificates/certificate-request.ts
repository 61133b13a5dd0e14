import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import {
  type DerNode,
  derBitString,
  derElement,
  derInteger,
  derOid,
  derSequence,
  derSet,
  derTag,
  expectTag,
  readBitString,
  readDer,
  readDerAll,
  readOid,
} from './der.ts'
import { encodeName, readName, type Subject } from './distinguished-name.ts'
import {
  type AlternativeNames,
  encodeAlternativeNames,
  extensionOid,
  findExtension,
  type RequestedNames,
  readAlternativeNames,
} from './extensions.ts'
import { signatureAlgorithm } from './issue-certificate.ts'
import { decodePem, encodePem } from './pem.ts'

/** A new private key and a request for a certificate for it (PKCS #10), both PEM. */
export interface KeyAndRequest {
  readonly key: string
  readonly request: string
}

/** What a request asks for. */
export interface CertificateRequest {
  readonly subject: Subject
  readonly publicKey: KeyObject
  readonly names: RequestedNames
}

/** Makes a P-256 key and a request for it: what a joining kubelet sends in a CertificateSigningRequest. */
export function createKeyAndRequest(subject: Subject, names?: AlternativeNames): KeyAndRequest {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { key, request: createRequest(key, subject, names) }
}

/** A request for a certificate for an existing private key (PEM). */
export function createRequest(privateKey: string, subject: Subject, names?: AlternativeNames): string {
  const key = createPrivateKey(privateKey)
  const wishes = names && names.dnsNames.length + names.ipAddresses.length > 0 ? [requestedExtensions(names)] : []
  const information = derSequence(
    derInteger(Buffer.of(0)),
    encodeName(subject),
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
    derElement(derTag.context(0), ...wishes),
  )
  return encodePem('CERTIFICATE REQUEST', derSequence(information, signatureAlgorithm(key), derBitString(sign('sha256', information, key))))
}

/**
 * Reads a request and checks that whoever made it holds the private key.
 * @throws Error when the text is no PEM request, is malformed, or its signature does not fit.
 */
export function readRequest(pem: string): CertificateRequest {
  const [bytes] = decodePem('CERTIFICATE REQUEST', pem)
  if (!bytes) throw new Error('PEM block type must be CERTIFICATE REQUEST')
  const [information, algorithm, signature] = readDerAll(readDer(bytes, derTag.sequence).content)
  const fields = readDerAll(expectTag(information, derTag.sequence).content)
  const name = expectTag(fields[1], derTag.sequence)
  const publicKey = createPublicKey({ key: expectTag(fields[2], derTag.sequence).whole, type: 'spki', format: 'der' })
  const [algorithmOid] = readDerAll(expectTag(algorithm, derTag.sequence).content)
  const digest = DIGESTS[readOid(algorithmOid)]
  if (digest === undefined) throw new Error('the request is signed with an algorithm that is not supported')
  if (!verify(digest, expectTag(information, derTag.sequence).whole, publicKey, readBitString(signature))) {
    throw new Error('the signature of the request does not fit its public key')
  }
  return { subject: readName(name), publicKey, names: requestedNames(fields[3]) }
}

/** Signature algorithms that we verify → their digest; null is for those that have their own (Ed25519). */
const DIGESTS: Readonly<Record<string, string | null>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.3.101.112': null,
}

function requestedExtensions(names: AlternativeNames): Buffer {
  return derSequence(derOid(extensionOid.extensionRequest), derSet(derSequence(encodeAlternativeNames(names))))
}

function requestedNames(attributes: DerNode | undefined): RequestedNames {
  for (const attribute of attributes?.tag === derTag.context(0) ? readDerAll(attributes.content) : []) {
    const [type, values] = readDerAll(expectTag(attribute, derTag.sequence).content)
    if (readOid(type) !== extensionOid.extensionRequest) continue
    const extensions = readDer(expectTag(values, derTag.set).content, derTag.sequence)
    const value = findExtension(extensions, extensionOid.subjectAlternativeName)
    if (value) return readAlternativeNames(value)
  }
  return { dnsNames: [], ipAddresses: [], emailAddresses: [], uris: [] }
}
