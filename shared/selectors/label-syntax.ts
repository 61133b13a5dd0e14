/** Upstream's sentence for a text that misses a pattern: what it must be, examples, the pattern. */
export function patternProblem(sentence: string, pattern: string, ...examples: string[]): string {
  const given = examples.map((example) => `'${example}', `).join(' or ')
  return examples.length === 0
    ? `${sentence} (regex used for validation is '${pattern}')`
    : `${sentence} (e.g. ${given}regex used for validation is '${pattern}')`
}

/** Length in bytes of UTF-8, which is what every limit of the API counts; cheap for ASCII. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text)
}

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'
const SUBDOMAIN_TEST = new RegExp(`^${SUBDOMAIN}$`)
const SUBDOMAIN_SENTENCE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"

/** What is wrong with a text as a DNS subdomain (RFC 1123), nothing if it is one. */
export function subdomainProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 253) problems.push('must be no more than 253 bytes')
  if (!SUBDOMAIN_TEST.test(value)) problems.push(patternProblem(SUBDOMAIN_SENTENCE, SUBDOMAIN, 'example.com'))
  return problems
}

const KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const KEY_TEST = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const KEY_SENTENCE = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const keyPatternProblem = patternProblem(KEY_SENTENCE, KEY, 'MyName', 'my.name', '123-abc')

/** What is wrong with a label key (`[prefix/]name`, the API's "qualified name"), nothing if it is one. */
export function labelKeyProblems(key: string): string[] {
  // Nearly all are: no prefix, and what the pattern takes is ASCII.
  if (key.length <= 63 && KEY_TEST.test(key)) return []
  const slash = key.indexOf('/')
  if (slash !== key.lastIndexOf('/')) {
    return [`a valid label key ${keyPatternProblem} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const problems: string[] = []
  const name = key.slice(slash + 1)
  if (slash === 0) problems.push('prefix part must be non-empty')
  if (slash > 0) problems.push(...subdomainProblems(key.slice(0, slash)).map((problem) => `prefix part ${problem}`))
  if (name === '') problems.push('name part must be non-empty')
  else if (byteLength(name) > 63) problems.push('name part must be no more than 63 bytes')
  if (!KEY_TEST.test(name)) problems.push(`name part ${keyPatternProblem}`)
  return problems
}

const VALUE_SENTENCE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

/** What is wrong with a label value, nothing if it is one. */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = []
  if (byteLength(value) > 63) problems.push('must be no more than 63 bytes')
  if (value !== '' && !KEY_TEST.test(value)) {
    problems.push(patternProblem(VALUE_SENTENCE, `(${KEY})?`, 'MyValue', 'my_value', '12345'))
  }
  return problems
}
