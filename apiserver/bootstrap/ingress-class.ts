import { DEFAULT_CLASS_MARK, INGRESS_CONTROLLER, OWN_INGRESS_CLASS } from '../../shared/ingress/ingress-class.ts'
import type { ObjectReader } from '../registry/object-reader.ts'
import { type RequiredObject, required } from './ensure.ts'

/**
 * The class that our `ingress` serves. Only for a cluster without any class: beside a default that people chose, ours would make
 * every Ingress that names no class be refused.
 */
export function requiredIngressClass(reader: ObjectReader): RequiredObject[] {
  if (reader.list('networking.k8s.io/v1', 'IngressClass').length > 0) return []
  return [
    required('networking.k8s.io/v1', 'IngressClass', {
      metadata: { name: OWN_INGRESS_CLASS, annotations: { [DEFAULT_CLASS_MARK]: 'true' } },
      spec: { controller: INGRESS_CONTROLLER },
    }),
  ]
}
