import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiOptions } from './api.ts'
import { soon } from './soon.ts'

/** An event, as a test looks into it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into objects of every kind; a wrong guess fails the test and nothing else
export type AuditEvent = any

/** Where an API server writes its audit log. */
export interface AuditScene {
  readonly folder: string
  /** The file of the log. */
  readonly path: string
  /** For `startApi`. */
  readonly options: ApiOptions
  /** What is in the file now. */
  read(): AuditEvent[]
  /** The events of a request that was sent with this `Audit-Id`, when there are as many. */
  of(id: string, count: number): Promise<AuditEvent[]>
}

/** Whoever clears up: a test, or a file of them. */
interface AuditSceneOwner {
  after(end: () => void): void
}

/** A policy file, and the settings of an API server that follows it. */
export function auditScene(context: AuditSceneOwner, policy: object, options: ApiOptions = {}): AuditScene {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'audit.log')
  const policyFile = join(folder, 'policy.yaml')
  writeFileSync(policyFile, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', ...policy }))
  const read = () =>
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditEvent)
  return {
    ...{ folder, path, read },
    options: { ...options, args: ['--audit-policy-file', policyFile, '--audit-log-path', path, ...(options.args ?? [])] },
    async of(id, count) {
      let found: AuditEvent[] = []
      await soon(() => {
        found = read().filter(({ auditID }) => auditID === id)
        assert.equal(found.length, count, JSON.stringify(found))
      })
      return found
    },
  }
}
