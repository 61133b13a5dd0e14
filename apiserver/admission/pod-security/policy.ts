import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'

/** From what allows everything to what allows least. */
export const levels = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof levels)[number]

/** What of a policy refuses, what is for the audit log, and what warns. */
export const modes = ['enforce', 'audit', 'warn'] as const
export type Mode = (typeof modes)[number]

/** A level as it was in a version of Kubernetes: `latest`, or `v1.N`. */
export interface LevelVersion {
  readonly level: Level
  readonly version: string
}

export type Policy = Readonly<Record<Mode, LevelVersion>>

/** What namespaces have that say nothing, where nobody configured another: everything is allowed. */
export const privilegedPolicy: Policy = {
  enforce: { level: 'privileged', version: 'latest' },
  audit: { level: 'privileged', version: 'latest' },
  warn: { level: 'privileged', version: 'latest' },
}

/** What a version looks like. The number is one that fits into 64 bits. */
export const VERSION = /^(?:latest|v1\.(0|[1-9]\d{0,17}))$/

const PREFIX = 'pod-security.kubernetes.io/'

/** Whether the labels say anything about a mode. */
export function isLabelled(labels: Readonly<Record<string, string>>, mode: Mode): boolean {
  return labels[PREFIX + mode] !== undefined || labels[`${PREFIX}${mode}-version`] !== undefined
}

/** `restricted:latest`. */
export function shownLevel({ level, version }: LevelVersion): string {
  return `${level}:${version}`
}

/** The number N of `v1.N`; infinite for `latest`. */
export function minorOf(version: string): number {
  return Number(VERSION.exec(version)?.[1] ?? Number.POSITIVE_INFINITY)
}

/** Above 0 when the first is the stricter one. */
export function compareLevels(one: Level, other: Level): number {
  return levels.indexOf(one) - levels.indexOf(other)
}

/** Whether two policies allow the same. */
export function allowsSame(one: Policy, other: Policy): boolean {
  return modes.every((mode) => {
    const [a, b] = [one[mode], other[mode]]
    return a.level === b.level && (a.level === 'privileged' || a.version === b.version)
  })
}

export function isPrivileged(policy: Policy): boolean {
  return modes.every((mode) => policy[mode].level === 'privileged')
}

/**
 * The policy of a namespace with these labels. There always is one: of a label that cannot be read, enforcing becomes as strict as can be
 * and the other modes say nothing; the problems name it.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy,
): { readonly policy: Policy; readonly problems: readonly FieldProblem[] } {
  if (!labels || !Object.keys(labels).some((key) => key.startsWith(PREFIX))) return { policy: defaults, problems: [] }
  const problems: FieldProblem[] = []
  const read = (mode: Mode, unreadable: Level): LevelVersion => {
    const [level, version] = [labels[PREFIX + mode], labels[`${PREFIX}${mode}-version`]]
    const refuse = (name: string, text: string, rule: string) =>
      problems.push(fieldProblem.invalid(`metadata.labels[${PREFIX}${name}]`, text, rule))
    if (level !== undefined && !asLevel(level)) refuse(mode, level, `must be one of ${levels.join(', ')}`)
    if (version !== undefined && !VERSION.test(version)) refuse(`${mode}-version`, version, 'must be "latest" or "v1.x"')
    return {
      level: level === undefined ? defaults[mode].level : (asLevel(level) ?? unreadable),
      version: version === undefined ? defaults[mode].version : VERSION.test(version) ? version : 'latest',
    }
  }
  const enforce = read('enforce', 'restricted')
  const audit = read('audit', 'privileged')
  const warn = read('warn', 'privileged')
  return { policy: { enforce, audit, warn: warnedAs(labels, enforce, warn) }, problems }
}

/** Who enforces and does not speak of warnings is warned of the same: it is how the refused pods of a Deployment are seen at once. */
function warnedAs(labels: Readonly<Record<string, string>>, enforce: LevelVersion, warn: LevelVersion): LevelVersion {
  const isSilent = labels[`${PREFIX}warn`] === undefined && asLevel(labels[`${PREFIX}enforce`] ?? '') !== undefined
  if (!isSilent || compareLevels(enforce.level, warn.level) <= 0) return warn
  return { level: enforce.level, version: labels[`${PREFIX}warn-version`] === undefined ? enforce.version : warn.version }
}

function asLevel(text: string): Level | undefined {
  return levels.find((level) => level === text)
}
