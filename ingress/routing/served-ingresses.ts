import { INGRESS_CLASS_ANNOTATION, INGRESS_CONTROLLER } from '../../shared/ingress/ingress-class.ts'
import { own } from '../../shared/objects/own.ts'
import type { Ingress, IngressClass } from '../../shared/openapi/generated/networking-v1.ts'

/** Of all Ingresses those of our classes, oldest first: of two that want the same, the older one has it. */
export function servedIngresses(ingresses: readonly Ingress[], classes: readonly IngressClass[]): Ingress[] {
  const ours = new Set(classes.filter(({ spec }) => spec.controller === INGRESS_CONTROLLER).map(({ metadata }) => metadata.name))
  return ingresses.filter((ingress) => ours.has(className(ingress))).sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1))
}

/** The old annotation counts where there is no field. */
function className({ metadata, spec }: Ingress): string | undefined {
  return spec.ingressClassName ?? own(metadata.annotations, INGRESS_CLASS_ANNOTATION)
}

function ageKey({ metadata }: Ingress): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.namespace}/${metadata.name}`
}
