import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Pkcs10CertificateRequest } from '@peculiar/x509'
import ipaddr from 'ipaddr.js'
import { inputLimits } from '../limits/input-limits.ts'
import type { AlternativeNames, RequestedNames } from './alternative-names.ts'
import { alternativeNamesExtension, nameOf } from './issue-certificate.ts'
import { decodePem, encodePem } from './pem.ts'
import { checkedText, type Subject } from './subject.ts'
import { signingAlgorithm, signingKey, verifyingKey, x509Library } from './x509-library.ts'

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
export async function createKeyAndRequest(subject: Subject, names?: AlternativeNames): Promise<KeyAndRequest> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { key, request: await createRequest(key, subject, names) }
}

/** A request for a certificate for an existing private key (PEM). */
export async function createRequest(privateKey: string, subject: Subject, names?: AlternativeNames): Promise<string> {
  const library = await x509Library()
  const key = createPrivateKey(privateKey)
  const request = await library.Pkcs10CertificateRequestGenerator.create({
    name: nameOf(library, subject),
    keys: { privateKey: signingKey(key), publicKey: verifyingKey(createPublicKey(key)) },
    signingAlgorithm,
    extensions: alternativeNamesExtension(library, names),
  })
  return encodePem('CERTIFICATE REQUEST', new Uint8Array(request.rawData))
}

/**
 * Reads a request and checks that whoever made it holds the private key.
 * @throws Error when the text is no PEM request, is malformed or too long, or its signature does not fit.
 */
export async function readRequest(pem: string): Promise<CertificateRequest> {
  const { certificateRequestBytes: limit } = inputLimits
  // Base64 and line breaks make a third more of it; what is longer need not be decoded to be known as too long.
  if (pem.length > limit * 2) throw new Error(`a certificate request has at most ${limit} bytes`)
  const [bytes] = decodePem('CERTIFICATE REQUEST', pem)
  if (!bytes) throw new Error('PEM block type must be CERTIFICATE REQUEST')
  if (bytes.length > limit) throw new Error(`a certificate request has at most ${limit} bytes`)
  requireOneElement(bytes)
  const library = await x509Library()
  const request = new library.Pkcs10CertificateRequest(bytes)
  if (!isKnown(request.signatureAlgorithm)) throw new Error('the request is signed with an algorithm that is not supported')
  if (!(await request.verify())) throw new Error('the signature of the request does not fit its public key')
  const publicKey = createPublicKey({ key: Buffer.from(request.publicKey.rawData), type: 'spki', format: 'der' })
  return { subject: subjectOf(request), publicKey, names: namesOf(request, library) }
}

/** ECDSA and RSA over SHA-2, and Ed25519; not the digests of old, which the library would check too. */
function isKnown(algorithm: object): boolean {
  const name = 'name' in algorithm ? algorithm.name : undefined
  if (name === 'Ed25519') return true
  const hash = 'hash' in algorithm ? algorithm.hash : undefined
  const digest = typeof hash === 'object' && hash !== null && 'name' in hash ? String(hash.name) : ''
  return (name === 'ECDSA' || name === 'RSASSA-PKCS1-v1_5') && /^SHA-(256|384|512)$/.test(digest)
}

/** The library reads the first element and passes over what follows: two texts would be one request. */
function requireOneElement(bytes: Buffer): void {
  const [tag, length = 0] = bytes
  const octets = length < 0x80 ? 0 : length & 0x7f
  const whole = octets === 0 ? 2 + length : octets <= 4 && bytes.length > 2 + octets ? 2 + octets + bytes.readUIntBE(2, octets) : -1
  if (tag !== 0x30 || whole !== bytes.length) throw new Error('malformed request: expected exactly one DER sequence')
}

function subjectOf({ subjectName }: Pkcs10CertificateRequest): Subject {
  const field = (name: string) => subjectName.getField(name).map(checkedText)
  return { commonName: field('CN').at(-1) ?? '', organizations: field('O') }
}

function namesOf(
  request: Pkcs10CertificateRequest,
  { SubjectAlternativeNameExtension }: Awaited<ReturnType<typeof x509Library>>,
): RequestedNames {
  const extensions = [...request.extensions].filter((extension) => extension instanceof SubjectAlternativeNameExtension)
  if (extensions.length > 1) throw new Error('malformed request: it has two lists of names')
  // The library's lists are of a class of their own.
  const items = extensions.flatMap(({ names }) => [...names.items])
  const ofType = (wanted: string) => items.filter(({ type }) => type === wanted).map(({ value }) => checkedText(value))
  return {
    dnsNames: ofType('dns'),
    ipAddresses: ofType('ip').map((address) => ipaddr.parse(address).toString()),
    emailAddresses: ofType('email'),
    uris: ofType('url'),
  }
}
