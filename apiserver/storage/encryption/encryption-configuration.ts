import { ConfigError } from '../../../shared/process/config.ts'
import { type ConfigKind, closedObject, readConfigContent } from '../../../shared/process/config-file.ts'
import { encryptionProblems } from './encryption-problems.ts'

/** A named key: base64 of its bytes. */
export interface NamedKey {
  readonly name?: string
  readonly secret?: string
}

interface Keys {
  readonly keys?: readonly NamedKey[]
}

/** One provider: exactly one of the fields. */
export interface ProviderChoice {
  readonly aesgcm?: Keys
  readonly aescbc?: Keys
  readonly secretbox?: Keys
  readonly identity?: object
  /** Read, so that it can be refused in words. */
  readonly kms?: object
}

/** Some resources, and what they are encrypted by: the first provider writes, all of them read. */
export interface ResourceRule {
  readonly resources?: readonly string[]
  readonly providers?: readonly ProviderChoice[]
}

/** `EncryptionConfiguration` of `apiserver.config.k8s.io/v1`. */
export interface EncryptionConfiguration {
  readonly resources?: readonly ResourceRule[]
}

const text = { type: 'string' }
const keys = closedObject({ keys: { type: 'array', items: closedObject({ name: text, secret: text }) } })
const provider = closedObject({ aesgcm: keys, aescbc: keys, secretbox: keys, identity: closedObject({}), kms: { type: 'object' } })

const fileKind: ConfigKind = {
  apiVersion: 'apiserver.config.k8s.io/v1',
  kind: 'EncryptionConfiguration',
  fields: {
    resources: {
      type: 'array',
      items: closedObject({ resources: { type: 'array', items: text }, providers: { type: 'array', items: provider } }),
    },
  },
  holdsSecrets: true,
}

/** @throws ConfigError that names the file and every wrong field; no key is repeated in it */
export async function readEncryptionConfiguration(path: string): Promise<EncryptionConfiguration> {
  const { content } = await readConfigContent<EncryptionConfiguration>(path, fileKind)
  const problems = encryptionProblems(content)
  if (problems.length > 0) throw new ConfigError(problems.map(({ path: field, message }) => `${path}: ${field}: ${message}`).join('\n'))
  return content
}
