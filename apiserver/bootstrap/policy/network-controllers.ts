import { EVENTS, READ, type Roles, rule } from './rule.ts'

const SLICES = rule(`create delete update ${READ}`, 'discovery.k8s.io', 'endpointslices')

/** Accounts of the controllers that lead traffic to Pods. */
export const networkControllers: Roles = {
  'endpoint-controller': [
    rule(READ, 'core', 'pods services'),
    rule(`create delete update ${READ}`, 'core', 'endpoints'),
    rule('create', 'core', 'endpoints/restricted'),
    EVENTS,
  ],
  'endpointslice-controller': [rule(READ, 'core', 'nodes pods services'), rule('update', 'core', 'services/finalizers'), SLICES, EVENTS],
  'endpointslicemirroring-controller': [
    rule(READ, 'core', 'endpoints services'),
    rule('update', 'core', 'services/finalizers'),
    rule('update', 'core', 'endpoints/finalizers'),
    SLICES,
    EVENTS,
  ],
  'service-controller': [
    rule(READ, 'core', 'services'),
    rule('patch update', 'core', 'services/status'),
    rule('list watch', 'core', 'nodes'),
    EVENTS,
  ],
  'service-cidrs-controller': [
    rule(`${READ} patch update`, 'networking.k8s.io', 'servicecidrs'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/finalizers'),
    rule('patch update', 'networking.k8s.io', 'servicecidrs/status'),
    rule(READ, 'networking.k8s.io', 'ipaddresses'),
    EVENTS,
  ],
  'route-controller': [rule('list watch', 'core', 'nodes'), rule('patch', 'core', 'nodes/status'), EVENTS],
}
