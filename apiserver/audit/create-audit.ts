import type { Logger } from '../../shared/logging/logger.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import { ConfigError } from '../../shared/process/config.ts'
import type { Random } from '../../shared/random/random.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { ApiServerConfig } from '../config.ts'
import { AuditLog, type AuditOutput } from './audit-log.ts'
import { AuditMetrics } from './audit-metrics.ts'
import { AuditRules } from './audit-policy.ts'
import { readAuditPolicy } from './audit-policy-file.ts'
import { Auditor } from './auditor.ts'
import { RotatingFile } from './rotating-file.ts'
import { standardOutput } from './standard-output.ts'

/** Who writes down what happens. */
export interface Audit {
  readonly auditor: Auditor
  /** Writes what waits, and ends. */
  stop(): Promise<void>
}

interface AuditParts {
  readonly metrics: Metrics
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

const DAY = 24 * 60 * 60 * 1000
const MEGABYTE = 1024 * 1024

/** Undefined where nobody asked for an audit log. @throws ConfigError for a policy or a path that cannot be used */
export async function createAudit(config: ApiServerConfig, parts: AuditParts): Promise<Audit | undefined> {
  const { auditPolicyFile, auditLogPath } = config
  if (auditPolicyFile === undefined && auditLogPath === undefined) return undefined
  if (auditLogPath === undefined) throw new ConfigError('--audit-policy-file needs --audit-log-path: nothing would be written anywhere')
  if (auditPolicyFile === undefined)
    throw new ConfigError('--audit-log-path needs --audit-policy-file: without a policy nothing is written')
  const { policy, warnings } = await readAuditPolicy(auditPolicyFile)
  for (const warning of warnings) parts.log.warn(warning)
  const { clock, random, log } = parts
  const metrics = new AuditMetrics(parts.metrics)
  const output = auditLogPath === '-' ? standardOutput() : await openFile(auditLogPath, config, parts)
  const sink = new AuditLog({ output, mode: config.auditLogMode, capacity: config.auditLogBatchBufferSize, metrics, log })
  return { auditor: new Auditor({ rules: new AuditRules(policy), sink, metrics, clock, random }), stop: () => sink.close() }
}

async function openFile(path: string, config: ApiServerConfig, { clock, log }: AuditParts): Promise<AuditOutput> {
  const keeping = { maxAge: config.auditLogMaxage * DAY, maxBackups: config.auditLogMaxbackup, compress: config.auditLogCompress }
  const file = new RotatingFile({ path, maxBytes: config.auditLogMaxsize * MEGABYTE, keeping, clock, log })
  try {
    await file.open()
  } catch (cause) {
    throw new ConfigError(`--audit-log-path: ${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  return file
}
