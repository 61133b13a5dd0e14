import { invalid } from '../../../shared/errors/status-error.ts'
import type { Service } from '../../../shared/openapi/generated/core-v1.ts'
import { clusterIPObject, clusterIPsOf } from '../../allocation/cluster-ip-object.ts'
import { serviceClaims } from '../../allocation/service-claims.ts'
import { defineResource, type ResourceServices } from '../../registry/define-resource.ts'
import { oldLabelNameRule } from '../../rules/metadata/names.ts'
import { serviceProblems, serviceUpdateProblems } from '../../rules/service/service.ts'
import { addressesProblems } from '../../rules/service/service-addresses.ts'
import { defaultService, keepAllocated, syncAddresses } from '../../rules/service/service-defaults.ts'
import { settleFamilies } from '../../rules/service/service-families.ts'
import { reserveServiceNumbers } from '../../rules/service/service-numbers.ts'
import { serviceSpecWarnings } from '../../rules/support/field-warnings.ts'
import { labelCell, NONE } from '../../rules/table-cells.ts'

export default (services: ResourceServices) => {
  return defineResource('v1', 'Service', {
    shortNames: ['svc'],
    categories: ['all'],
    statusMetadata: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
    answersDeletedObject: true,
    generation: false,
    createsOnUpdate: true,
    validateName: oldLabelNameRule,
    connects: ['proxy'],
    columns: [
      { name: 'Type', description: 'How it is offered', value: ({ spec }) => spec.type },
      {
        name: 'Cluster-IP',
        description: 'Its address inside the cluster',
        value: ({ spec }) => spec.clusterIPs?.[0] || spec.clusterIP || NONE,
      },
      { name: 'External-IP', description: 'Its addresses outside', value: externalCell },
      { name: 'Port(s)', description: 'Its ports', value: portsCell },
      { name: 'Age', type: 'date', value: ({ metadata }) => metadata.creationTimestamp },
      { name: 'Selector', priority: 1, description: 'Which pods answer', value: ({ spec }) => labelCell(spec.selector) },
    ],
    selectableFields: {
      'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
      'spec.type': ({ spec }) => spec.type ?? '',
    },

    applyDefaults: defaultService,
    prepareForCreate(service) {
      syncAddresses(service.spec, undefined)
      settle(service, undefined)
    },
    prepareForUpdate(next, previous) {
      keepAllocated(next.spec, previous.spec)
      syncAddresses(next.spec, previous.spec)
      settle(next, previous)
    },
    validate: serviceProblems,
    warnings: ({ spec }) => serviceSpecWarnings(spec, 'spec'),
    validateUpdate: serviceUpdateProblems,
    reserve: (next, previous) => reserveServiceNumbers(services, next, previous),
    claims: serviceClaims,
    companions: (service) => clusterIPsOf(service).map((address) => clusterIPObject(address, service)),
  })

  /** What is wrong without knowing the cluster is the validation's to say, all at once. */
  function settle(service: Service, previous: Service | undefined): void {
    if (!addressesProblems(service.spec).next().done) return
    const problems = settleFamilies(service.spec, previous?.spec, services.clusterIPs.families)
    if (problems.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', problems)
  }
}

function externalCell({ spec, status }: Service): string {
  const fixed = spec.externalIPs ?? []
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? ''
    case 'LoadBalancer': {
      const given = (status.loadBalancer.ingress ?? []).map((each) => each.ip || each.hostname || '').filter((each) => each !== '')
      const all = [...given, ...fixed]
      return all.length === 0 ? '<pending>' : all.join(',')
    }
    default:
      return fixed.length === 0 ? NONE : fixed.join(',')
  }
}

function portsCell({ spec }: Service): string {
  const ports = (spec.ports ?? []).map((port) => `${port.port}${port.nodePort ? `:${port.nodePort}` : ''}/${port.protocol}`)
  return ports.length === 0 ? NONE : ports.join(',')
}
