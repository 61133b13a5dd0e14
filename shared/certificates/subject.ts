import type { X509Certificate } from 'node:crypto'

/** The two parts of a certificate's subject that Kubernetes reads: the user's name and the user's groups. */
export interface Subject {
  readonly commonName: string
  readonly organizations: readonly string[]
}

/**
 * The subject of a certificate; of several common names the last counts, as in Go. Taken from the parsed attributes and never from
 * `X509Certificate.subject`, a text in which a comma or a line break of a name looks like the next name.
 * @throws Error when a name is not text that everybody reads the same way
 */
export function subjectOf(certificate: X509Certificate): Subject {
  const { subject } = certificate.toLegacyObject()
  const [commonNames, organizations] = [valuesOf(subject.CN), valuesOf(subject.O)]
  return { commonName: commonNames.at(-1) ?? '', organizations }
}

function valuesOf(attribute: unknown): string[] {
  const values = attribute === undefined ? [] : [attribute].flat()
  return values.map((value) => {
    if (typeof value !== 'string') throw new Error('malformed name: an attribute that is no text')
    return checkedText(value)
  })
}

/** Bytes that are no text are shown as U+FFFD by readers: two different names would be one. @throws Error */
export function checkedText(text: string): string {
  if (text.includes('\uFFFD') || !text.isWellFormed()) throw new Error('malformed name: a text that is not well encoded')
  return text
}
