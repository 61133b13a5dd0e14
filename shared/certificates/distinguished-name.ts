import { type DerNode, derOid, derSequence, derSet, derTag, derUtf8, expectTag, readDerAll, readOid } from './der.ts'

const COMMON_NAME = '2.5.4.3'
const ORGANIZATION = '2.5.4.10'

/** Tags of the string types a name's attribute may have and that are a superset of ASCII byte for byte. */
const TEXT_TAGS = [0x0c, 0x13, 0x14, 0x16]

/** The two parts of a certificate's subject that Kubernetes reads: the user's name and the user's groups. */
export interface Subject {
  readonly commonName: string
  readonly organizations: readonly string[]
}

/** Encodes a subject: organisations first, in one set, then the common name, as Go's encoder does. */
export function encodeName({ commonName, organizations }: Subject): Buffer {
  const attribute = (oid: string, value: string) => derSequence(derOid(oid), derUtf8(value))
  const sets = organizations.length > 0 ? [derSet(...organizations.map((value) => attribute(ORGANIZATION, value)))] : []
  return derSequence(...sets, derSet(attribute(COMMON_NAME, commonName)))
}

/** Reads a Name; the last common name counts, attributes of other types are skipped. @throws Error when malformed */
export function readName(name: DerNode): Subject {
  let commonName = ''
  const organizations: string[] = []
  for (const set of readDerAll(expectTag(name, derTag.sequence).content)) {
    for (const attribute of readDerAll(expectTag(set, derTag.set).content)) {
      const [type, value] = readDerAll(expectTag(attribute, derTag.sequence).content)
      const oid = readOid(type)
      if (oid !== COMMON_NAME && oid !== ORGANIZATION) continue
      if (!value || !TEXT_TAGS.includes(value.tag)) throw new Error('malformed name: an attribute that is no text')
      const text = value.content.toString('utf8')
      if (oid === COMMON_NAME) commonName = text
      else organizations.push(text)
    }
  }
  return { commonName, organizations }
}
