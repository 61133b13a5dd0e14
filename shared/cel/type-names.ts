import type { CelType } from './type.ts'
import * as types from './type.ts'

const { dyn } = types

/** Types that have a name in the language, and those of Kubernetes' libraries. */
const named: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ['bool', types.boolType],
  ['int', types.intType],
  ['uint', types.uintType],
  ['double', types.doubleType],
  ['string', types.stringType],
  ['bytes', types.bytesType],
  ['null_type', types.nullType],
  ['list', types.listOf(dyn)],
  ['map', types.mapOf(dyn, dyn)],
  ['type', types.typeOf(dyn)],
  ['optional_type', types.optionalOf(dyn)],
  ['google.protobuf.Timestamp', types.timestampType],
  ['google.protobuf.Duration', types.durationType],
  ...['net.IP', 'net.CIDR', 'kubernetes.URL', 'kubernetes.Quantity', 'kubernetes.Semver', 'kubernetes.NamedFormat'].map(
    (name) => [name, types.opaqueType(name)] as const,
  ),
])

/** The type that a name stands for; undefined for every other name. */
export function namedType(name: string): CelType | undefined {
  return named.get(name)
}
