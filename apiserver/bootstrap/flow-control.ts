import type { KubeObject } from '../../shared/objects/object.ts'
import { mandatoryLevels, mandatorySchemas, suggestedLevels, suggestedSchemas } from '../flowcontrol/bootstrap-policy.ts'
import { sameValue } from '../registry/same-value.ts'
import { type RequiredObject, required } from './ensure.ts'

const API = 'flowcontrol.apiserver.k8s.io/v1'
const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec'

/** The priority levels every cluster has; before the schemas, which name them. */
export function requiredPriorityLevels(): RequiredObject[] {
  return [...mandatoryLevels, ...suggestedLevels].map(({ name, spec }) => {
    // People may give exempt requests shares to lend to others; the rest of the mandatory ones is fixed.
    const keepsSpec = name === 'exempt'
    return required(API, 'PriorityLevelConfiguration', { metadata: metadata(name), spec }, (present) =>
      repaired(present, { spec: keepsSpec ? present.spec : spec, isMandatory: mandatoryLevels.some((each) => each.name === name) }),
    )
  })
}

/** The FlowSchemas every cluster has. */
export function requiredFlowSchemas(): RequiredObject[] {
  return [...mandatorySchemas, ...suggestedSchemas].map(({ name, spec }) =>
    required(API, 'FlowSchema', { metadata: metadata(name), spec }, (present) =>
      repaired(present, { spec, isMandatory: mandatorySchemas.some((each) => each.name === name) }),
    ),
  )
}

const metadata = (name: string) => ({ name, annotations: { [AUTO_UPDATE]: 'true' } })

/**
 * Upstream's rule: the annotation says whether the server keeps the specification as it should be. Where it is missing, an object that
 * nobody has changed (generation 1) is the server's, any other is somebody's.
 */
function repaired<T extends KubeObject & { spec: object }>(
  present: T,
  { spec, isMandatory }: { spec: T['spec']; isMandatory: boolean },
): T | undefined {
  const said = present.metadata.annotations?.[AUTO_UPDATE]
  const isOurs = isMandatory || said === 'true' || (said !== 'false' && (present.metadata.generation ?? 1) === 1)
  const isRight = !isOurs || sameValue(present.spec, spec)
  if (isRight && said === String(isOurs)) return undefined
  const annotations = { ...present.metadata.annotations, [AUTO_UPDATE]: String(isOurs) }
  return { ...present, metadata: { ...present.metadata, annotations }, spec: isOurs ? structuredClone(spec) : present.spec }
}
