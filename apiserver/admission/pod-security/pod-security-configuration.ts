import { type ConfigKind, closedObject } from '../../../shared/process/config-file.ts'
import { Exemptions } from './exemptions.ts'
import type { PodSecurityOptions } from './pod-security.ts'
import { type LevelVersion, levels, type Mode, modes, type Policy, privilegedPolicy, VERSION } from './policy.ts'

// An empty text is as good as none.
const level = { enum: [...levels, ''] }
const version = { type: 'string', pattern: `${VERSION.source}|^$`, description: '"latest" or "v1.x"' }
const names = { type: 'array', uniqueItems: true, items: { type: 'string', minLength: 1 } }
const dnsNames = { ...names, items: { type: 'string', pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', description: 'a DNS name' } }

/** Upstream's configuration of this rule: what holds where labels say nothing, and who and what is not asked about. */
export const podSecurityConfiguration: ConfigKind = {
  apiVersion: 'pod-security.admission.config.k8s.io/v1',
  olderVersions: ['pod-security.admission.config.k8s.io/v1beta1', 'pod-security.admission.config.k8s.io/v1alpha1'],
  kind: 'PodSecurityConfiguration',
  fields: {
    defaults: closedObject(Object.fromEntries(modes.flatMap((mode) => [[mode, level] as const, [`${mode}-version`, version] as const]))),
    exemptions: closedObject({ usernames: names, namespaces: dnsNames, runtimeClasses: dnsNames }),
  },
}

/** What a configuration that has been checked says; an empty one is upstream's default. */
export function podSecurityOptions({ defaults = {}, exemptions = {} }: PodSecurityConfiguration): PodSecurityOptions {
  const read = (mode: Mode): LevelVersion => ({
    level: levels.find((each) => each === defaults[mode]) ?? privilegedPolicy[mode].level,
    version: defaults[`${mode}-version`] || privilegedPolicy[mode].version,
  })
  const policy: Policy = { enforce: read('enforce'), audit: read('audit'), warn: read('warn') }
  return { defaults: policy, exemptions: new Exemptions(exemptions) }
}

/** What content looks like that fits the schema above. */
export interface PodSecurityConfiguration {
  readonly defaults?: Readonly<Partial<Record<Mode | `${Mode}-version`, string>>>
  readonly exemptions?: ConstructorParameters<typeof Exemptions>[0]
}
