import { createHash, createPrivateKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import {
  derBitString,
  derElement,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derTag,
  derTime,
  readBitString,
  readDer,
  readDerAll,
} from './der.ts'
import { encodeName, type Subject } from './distinguished-name.ts'
import {
  type AlternativeNames,
  type ExtendedUsage,
  encodeAlternativeNames,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeExtension,
  encodeKeyUsage,
  extensionOid,
  type KeyUsage,
} from './extensions.ts'
import { encodePem } from './pem.ts'
import { readCertificate } from './read-certificate.ts'

/** Who signs: an authority's certificate and its private key. */
export interface Issuer {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS #8 or SEC 1. */
  readonly key: string
}

export interface CertificateContent {
  readonly subject: Subject
  readonly publicKey: KeyObject
  /** Milliseconds since the epoch. */
  readonly notBefore: number
  readonly notAfter: number
  readonly usages: readonly ExtendedUsage[]
  /** Default: digital signature, and key encipherment for RSA keys. */
  readonly keyUsages?: readonly KeyUsage[] | undefined
  readonly names?: AlternativeNames | undefined
}

/** A certificate for someone else's public key, PEM. @throws Error when the issuer's files are not usable */
export function issueCertificate(issuer: Issuer, content: CertificateContent): string {
  const authority = readCertificate(issuer.certificate)
  const keyUsages = content.keyUsages ?? defaultKeyUsages(content.publicKey)
  return encode(content, {
    issuerName: authority.subjectBytes,
    issuerKeyIdentifier: keyIdentifier(authority.publicKeyBytes),
    signingKey: createPrivateKey(issuer.key),
    extensions: [
      encodeBasicConstraints(false),
      encodeKeyUsage(keyUsages),
      ...(content.usages.length > 0 ? [encodeExtendedKeyUsage(content.usages)] : []),
      ...(content.names && content.names.dnsNames.length + content.names.ipAddresses.length > 0
        ? [encodeAlternativeNames(content.names)]
        : []),
    ],
  })
}

/** A certificate that an authority signs for itself, PEM. */
export function issueAuthority(
  key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
  content: { readonly commonName: string; readonly notBefore: number; readonly notAfter: number },
): string {
  const subject = { commonName: content.commonName, organizations: [] }
  const publicKeyBytes = key.publicKey.export({ type: 'spki', format: 'der' })
  return encode(
    { ...content, subject, publicKey: key.publicKey },
    {
      issuerName: encodeName(subject),
      issuerKeyIdentifier: keyIdentifier(publicKeyBytes),
      signingKey: key.privateKey,
      extensions: [encodeBasicConstraints(true), encodeKeyUsage(['digitalSignature', 'keyEncipherment', 'keyCertSign'])],
    },
  )
}

interface Signing {
  readonly issuerName: Buffer
  readonly issuerKeyIdentifier: Buffer
  readonly signingKey: KeyObject
  readonly extensions: readonly Buffer[]
}

function encode(content: Pick<CertificateContent, 'subject' | 'publicKey' | 'notBefore' | 'notAfter'>, signing: Signing): string {
  const algorithm = signatureAlgorithm(signing.signingKey)
  const publicKeyBytes = content.publicKey.export({ type: 'spki', format: 'der' })
  const extensions = [
    ...signing.extensions,
    encodeExtension(extensionOid.subjectKeyIdentifier, derOctetString(keyIdentifier(publicKeyBytes))),
    encodeExtension(extensionOid.authorityKeyIdentifier, derSequence(derElement(derTag.contextPrimitive(0), signing.issuerKeyIdentifier))),
  ]
  const toBeSigned = derSequence(
    derElement(derTag.context(0), derInteger(Buffer.of(2))),
    derInteger(serialNumber()),
    algorithm,
    signing.issuerName,
    derSequence(derTime(content.notBefore), derTime(content.notAfter)),
    encodeName(content.subject),
    publicKeyBytes,
    derElement(derTag.context(3), derSequence(...extensions)),
  )
  return encodePem('CERTIFICATE', derSequence(toBeSigned, algorithm, derBitString(sign('sha256', toBeSigned, signing.signingKey))))
}

/** The AlgorithmIdentifier of SHA-256 with that key. @throws Error for keys that we do not sign with */
export function signatureAlgorithm(key: KeyObject): Buffer {
  if (key.asymmetricKeyType === 'ec') return derSequence(derOid('1.2.840.10045.4.3.2'))
  if (key.asymmetricKeyType === 'rsa') return derSequence(derOid('1.2.840.113549.1.1.11'), derElement(0x05))
  throw new Error(`cannot sign certificates with a key of type ${key.asymmetricKeyType}; use EC or RSA`)
}

/** RFC 5280 §4.2.1.2, method 1: SHA-1 over the public key's bits. An identifier, not a protection. */
function keyIdentifier(publicKeyBytes: Uint8Array): Buffer {
  const [, bits] = readDerAll(readDer(publicKeyBytes, derTag.sequence).content)
  return createHash('sha1').update(readBitString(bits)).digest()
}

/** 127 random bits; from the operating system because serial numbers must not be guessable or replayable. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

function defaultKeyUsages(key: KeyObject): KeyUsage[] {
  return key.asymmetricKeyType === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature']
}
