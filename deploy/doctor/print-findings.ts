import type { Finding } from './finding.ts'

const MARKS = { good: '✓', warning: '!', failed: '✗', unknown: '?' } as const

/** Prints findings with their cures, and answers how many failed. */
export function printFindings(findings: readonly Finding[], print: (line: string) => void): number {
  for (const { state, text, cure } of findings) {
    print(`${MARKS[state]} ${text.replaceAll('\n', '\n    ')}`)
    if (cure !== undefined && state !== 'good') print(`    cure: ${cure}`)
  }
  return findings.filter(({ state }) => state === 'failed').length
}
