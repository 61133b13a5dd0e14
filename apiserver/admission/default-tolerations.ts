import type { Toleration } from '../../shared/openapi/generated/core-v1.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRule } from './admission.ts'

const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

/**
 * Pods stay this many seconds on a node that stopped answering, unless they say otherwise: the grace in which it may come
 * back before they are replaced elsewhere.
 */
export function defaultTolerations(seconds = 300): AdmissionRule {
  return {
    name: 'DefaultTolerationSeconds',
    mutate({ operation, object }) {
      const pod = operation === 'CREATE' ? asKind(object, 'v1', 'Pod') : undefined
      if (!pod) return
      const given = pod.spec.tolerations ?? []
      const absent = KEYS.filter((key) => !given.some((toleration) => speaksOf(toleration, key)))
      const added = absent.map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: seconds }))
      if (added.length > 0) pod.spec.tolerations = [...given, ...added]
    },
  }
}

function speaksOf({ key, effect }: Toleration, wanted: string): boolean {
  return (!key || key === wanted) && (!effect || effect === 'NoExecute')
}
