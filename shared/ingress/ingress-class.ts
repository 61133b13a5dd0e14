import type { KubeObject } from '../objects/object.ts'

/** How the class was said before `ingressClassName`; still honoured. */
export const INGRESS_CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

/** Who we are among those who serve Ingresses: `spec.controller` of our classes. */
export const INGRESS_CONTROLLER = 'coxswain/ingress'

/** The class that every new cluster has. */
export const OWN_INGRESS_CLASS = 'coxswain'

/** The Lease in kube-system of the one copy that writes where Ingresses are served. */
export const INGRESS_LEASE = 'coxswain-ingress'

/** On a class, `"true"`: Ingresses that name none get it. */
export const DEFAULT_CLASS_MARK = 'ingressclass.kubernetes.io/is-default-class'

/** Whether Ingresses that name no class get this one. */
export function isDefaultIngressClass({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[DEFAULT_CLASS_MARK] === 'true'
}
