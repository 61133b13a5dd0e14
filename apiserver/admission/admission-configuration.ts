import { dirname, resolve } from 'node:path'
import {
  type CheckedContent,
  type ConfigKind,
  checkConfigContent,
  closedObject,
  readConfigContent,
} from '../../shared/process/config-file.ts'
import type { PodSecurityOptions } from './pod-security/pod-security.ts'
import { type PodSecurityConfiguration, podSecurityConfiguration, podSecurityOptions } from './pod-security/pod-security-configuration.ts'

/** Upstream's `--admission-control-config-file`. Each plug-in has its own configuration in it, or in a file beside it. */
const admissionConfiguration: ConfigKind = {
  ...{ apiVersion: 'apiserver.config.k8s.io/v1', olderVersions: ['apiserver.k8s.io/v1alpha1'], kind: 'AdmissionConfiguration' },
  fields: {
    plugins: {
      type: 'array',
      items: closedObject(
        { name: { type: 'string', minLength: 1 }, path: { type: 'string' }, configuration: { type: ['object', 'null'] } },
        ['name'],
      ),
    },
  },
}

interface PluginChoice {
  readonly name: string
  readonly path?: string
  readonly configuration?: object | null
}

/** What the file says of the rules that can be configured. */
export interface ConfiguredAdmission {
  readonly podSecurity: PodSecurityOptions
  /** About what is in the file and nothing acts on. */
  readonly warnings: readonly string[]
}

/** Without a file everything is as upstream has it by default. @throws ConfigError that names the file and the field */
export async function readAdmissionConfiguration(file: string | undefined): Promise<ConfiguredAdmission> {
  if (file === undefined) return { podSecurity: podSecurityOptions({}), warnings: [] }
  const { content, warnings } = await readConfigContent<{ readonly plugins?: readonly PluginChoice[] }>(file, admissionConfiguration)
  const told = [...warnings]
  let podSecurity = podSecurityOptions({})
  for (const [index, plugin] of (content.plugins ?? []).entries()) {
    const field = `${file}: plugins[${index}]`
    if (plugin.name === 'PodSecurity') {
      const checked = await configurationOf<PodSecurityConfiguration>(file, plugin, field, podSecurityConfiguration)
      podSecurity = podSecurityOptions(checked?.content ?? {})
      told.push(...(checked?.warnings ?? []))
    } else {
      told.push(`${field}: ${plugin.name} is no plug-in that has a configuration here`)
    }
  }
  return { podSecurity, warnings: told }
}

async function configurationOf<T>(
  file: string,
  { path, configuration }: PluginChoice,
  field: string,
  kind: ConfigKind,
): Promise<CheckedContent<T> | undefined> {
  if (path) return readConfigContent<T>(resolve(dirname(file), path), kind)
  return configuration == null ? undefined : checkConfigContent<T>(`${field}.configuration`, configuration, kind)
}
