import { INGRESS_CLASS_ANNOTATION, isDefaultIngressClass } from '../../shared/ingress/ingress-class.ts'
import { own } from '../../shared/objects/own.ts'
import { asKind } from '../registry/as-kind.ts'
import type { AdmissionRule } from './admission.ts'
import { refusal } from './refuse.ts'

/** An Ingress that says no class, in either way, gets the default one. Of two defaults nobody can say which is meant: refused, as upstream. */
export const defaultIngressClass: AdmissionRule = {
  name: 'DefaultIngressClass',
  mutate(request) {
    const ingress = request.operation === 'CREATE' ? asKind(request.object, 'networking.k8s.io/v1', 'Ingress') : undefined
    if (!ingress || ingress.spec.ingressClassName !== undefined) return
    if (own(ingress.metadata.annotations, INGRESS_CLASS_ANNOTATION) !== undefined) return
    const [chosen, ...more] = request.context.reader.list('networking.k8s.io/v1', 'IngressClass').filter(isDefaultIngressClass)
    if (more.length > 0) throw refusal(request, `${more.length + 1} default IngressClasses were found, only 1 allowed`)
    if (chosen) ingress.spec.ingressClassName = chosen.metadata.name
  },
}
