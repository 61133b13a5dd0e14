import { byteLength, patternProblem, subdomainProblems } from '../../../shared/selectors/label-syntax.ts'

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const LABEL_TEST = new RegExp(`^${LABEL}$`)
const LABEL_SENTENCE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"

const OLD_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?'
const OLD_LABEL_TEST = new RegExp(`^${OLD_LABEL}$`)
const OLD_LABEL_SENTENCE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"

const tooLong = (limit: number) => `must be no more than ${limit} bytes`

/** What is wrong with a text as a DNS label of RFC 1123 (`web-1`, `1web`). */
export function dnsLabelProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 63) problems.push(tooLong(63))
  if (!LABEL_TEST.test(value)) problems.push(patternProblem(LABEL_SENTENCE, LABEL, 'my-name', '123-abc'))
  return problems
}

/** What is wrong with a text as a DNS label of RFC 1035, which starts with a letter. */
export function oldDnsLabelProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 63) problems.push(tooLong(63))
  if (!OLD_LABEL_TEST.test(value)) problems.push(patternProblem(OLD_LABEL_SENTENCE, OLD_LABEL, 'my-name', 'abc-123'))
  return problems
}

/** What is wrong with a text as the name of a port (IANA service name, RFC 6335). */
export function portNameProblems(name: string): string[] {
  const problems: string[] = []
  if (name.length > 15) problems.push('must be no more than 15 bytes')
  if (!/^[-a-z0-9]+$/.test(name)) problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(name)) problems.push('must contain at least one letter (a-z)')
  if (name.includes('--')) problems.push('must not contain consecutive hyphens')
  if (name.startsWith('-') || name.endsWith('-')) problems.push('must not begin or end with a hyphen')
  return problems
}

/** What is wrong with a number as a port. */
export function portNumberProblems(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : ['must be between 1 and 65535, inclusive']
}

const KEY = '[-._a-zA-Z0-9]+'
const KEY_SENTENCE = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"

/** What is wrong with a key of a ConfigMap or Secret, which becomes a file name. */
export function contentKeyProblems(key: string): string[] {
  const problems: string[] = []
  if (byteLength(key) > 253) problems.push(tooLong(253))
  if (!/^[-._a-zA-Z0-9]+$/.test(key)) problems.push(patternProblem(KEY_SENTENCE, KEY, 'key.name', 'KEY_NAME', 'key-name'))
  if (key === '.') problems.push("must not be '.'")
  else if (key === '..') problems.push("must not be '..'")
  else if (key.startsWith('..')) problems.push("must not start with '..'")
  return problems
}

/** For `validateName`: RFC 1123 label. */
export const labelNameRule = (name: string): string | undefined => dnsLabelProblems(name)[0]
/** For `validateName`: RFC 1035 label. */
export const oldLabelNameRule = (name: string): string | undefined => oldDnsLabelProblems(name)[0]
/** For `validateName`: anything that can stand between two slashes of a URL (`system:node`); the machinery checks the slashes. */
export const pathSegmentRule = (_name: string): string | undefined => undefined
/** For `validateName`, and the machinery's default: DNS subdomain. */
export const subdomainNameRule = (name: string): string | undefined => subdomainProblems(name)[0]
