import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { Extension, Name, X509Certificate } from '@peculiar/x509'
import type { AlternativeNames } from './alternative-names.ts'
import { encodePem } from './pem.ts'
import type { Subject } from './subject.ts'
import { signingAlgorithm, signingKey, x509Library } from './x509-library.ts'

/** Who signs: an authority's certificate and its private key. */
export interface Issuer {
  /** PEM. */
  readonly certificate: string
  /** PEM, PKCS #8 or SEC 1. */
  readonly key: string
}

export type ExtendedUsage = 'serverAuth' | 'clientAuth'

export interface CertificateContent {
  readonly subject: Subject
  readonly publicKey: KeyObject
  /** Milliseconds since the epoch; certificates have whole seconds. */
  readonly notBefore: number
  readonly notAfter: number
  readonly usages: readonly ExtendedUsage[]
  readonly names?: AlternativeNames | undefined
}

type Library = Awaited<ReturnType<typeof x509Library>>

/** A certificate for someone else's public key, PEM. @throws Error when the issuer's files are not usable */
export async function issueCertificate(issuer: Issuer, content: CertificateContent): Promise<string> {
  const library = await x509Library()
  const { BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension } = library
  const authority = new library.X509Certificate(issuer.certificate)
  const isRsa = content.publicKey.asymmetricKeyType === 'rsa'
  return create(library, content, {
    issuer: authority.subjectName,
    key: createPrivateKey(issuer.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | (isRsa ? KeyUsageFlags.keyEncipherment : 0), true),
      ...(content.usages.length > 0 ? [new ExtendedKeyUsageExtension(content.usages.map((usage) => ExtendedKeyUsage[usage]))] : []),
      ...alternativeNamesExtension(library, content.names),
      await authorityKeyIdentifier(library, authority),
    ],
  })
}

/** A certificate that an authority signs for itself, PEM. */
export async function issueAuthority(
  key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject },
  content: { readonly commonName: string; readonly notBefore: number; readonly notAfter: number },
): Promise<string> {
  const library = await x509Library()
  const { AuthorityKeyIdentifierExtension, BasicConstraintsExtension, KeyUsageFlags, KeyUsagesExtension } = library
  const subject = { commonName: content.commonName, organizations: [] }
  const { digitalSignature, keyEncipherment, keyCertSign } = KeyUsageFlags
  return create(
    library,
    { ...content, subject, publicKey: key.publicKey },
    {
      issuer: nameOf(library, subject),
      key: key.privateKey,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(digitalSignature | keyEncipherment | keyCertSign, true),
        await AuthorityKeyIdentifierExtension.create(new library.PublicKey(publicKeyBytes(key.publicKey))),
      ],
    },
  )
}

/**
 * A subject as Go's encoder writes it: the organisations in one set, which DER wants in order (the library does not see to it), then the
 * common name. Always as UTF-8 in so many words: of a plain text the library takes quotes, `#` and backslashes for notation.
 */
export function nameOf({ Name }: Pick<Library, 'Name'>, { commonName, organizations }: Subject): Name {
  const text = (value: string) => ({ utf8String: value })
  const inOrder = organizations
    .map((name) => Buffer.from(name))
    .sort((a, b) => a.length - b.length || Buffer.compare(a, b))
    .map(String)
  return new Name([...(inOrder.length > 0 ? [{ O: inOrder.map(text) }] : []), { CN: [text(commonName)] }])
}

/** The extension that carries names, when there are any. @throws Error when an address is none */
export function alternativeNamesExtension(library: Library, names: AlternativeNames | undefined): Extension[] {
  const all = [
    ...(names?.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(names?.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ]
  return all.length > 0 ? [new library.SubjectAlternativeNameExtension(all)] : []
}

interface Signing {
  readonly issuer: Name
  readonly key: KeyObject
  readonly extensions: readonly Extension[]
}

type Content = Pick<CertificateContent, 'subject' | 'publicKey' | 'notBefore' | 'notAfter'>

async function create(library: Library, content: Content, { issuer, key, extensions }: Signing): Promise<string> {
  const publicKey = publicKeyBytes(content.publicKey)
  const wholeSeconds = (milliseconds: number) => new Date(Math.floor(milliseconds / 1000) * 1000)
  const certificate = await library.X509CertificateGenerator.create({
    subject: nameOf(library, content.subject),
    issuer,
    notBefore: wholeSeconds(content.notBefore),
    notAfter: wholeSeconds(content.notAfter),
    publicKey,
    signingKey: signingKey(key),
    signingAlgorithm,
    extensions: [...extensions, await library.SubjectKeyIdentifierExtension.create(new library.PublicKey(publicKey))],
  })
  return encodePem('CERTIFICATE', new Uint8Array(certificate.rawData))
}

/** What the authority calls its key, or would. */
async function authorityKeyIdentifier(library: Library, authority: X509Certificate): Promise<Extension> {
  const own = authority.getExtension(library.SubjectKeyIdentifierExtension)
  if (own) return new library.AuthorityKeyIdentifierExtension(own.keyId)
  return library.AuthorityKeyIdentifierExtension.create(authority.publicKey)
}

function publicKeyBytes(key: KeyObject): Buffer<ArrayBuffer> {
  return Buffer.from(key.export({ type: 'spki', format: 'der' }))
}
