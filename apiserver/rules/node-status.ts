import { isIP } from 'node:net'
import { type FieldProblem, fieldProblem } from '../../shared/errors/field-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { ContainerImage, NodeAddress, NodeCondition, NodeStatus } from '../../shared/openapi/generated/core-v1.ts'
import { labelKeyProblems, subdomainProblems } from '../../shared/selectors/label-syntax.ts'
import { resourceListProblems } from './container/resource-requirements.ts'

const addressTypes: readonly string[] = ['Hostname', 'InternalIP', 'ExternalIP', 'InternalDNS', 'ExternalDNS']
const states: readonly string[] = ['True', 'False', 'Unknown']
const MOST_PORT = 65_535

/** What a node says of itself: in shape, and no more of it than a node has to say. Whose its addresses are is asked in admission/node-addresses.ts. */
export function* nodeStatusProblems(status: NodeStatus): Generator<FieldProblem> {
  const { capacity, allocatable, addresses = [], conditions = [], images = [] } = status
  if (capacity) yield* amountsProblems(capacity, 'status.capacity')
  if (allocatable) yield* amountsProblems(allocatable, 'status.allocatable')
  yield* listProblems(addresses, inputLimits.nodeAddresses, 'status.addresses', addressProblems)
  yield* duplicates(
    addresses.map(({ type, address }) => ({ type, address })),
    'status.addresses',
  )
  yield* listProblems(conditions, inputLimits.nodeConditions, 'status.conditions', conditionProblems)
  yield* duplicates(
    conditions.map(({ type }) => type),
    'status.conditions',
  )
  yield* listProblems(images, inputLimits.nodeImages, 'status.images', imageProblems)
  const port = status.daemonEndpoints.kubeletEndpoint.Port
  if (port < 0 || port > MOST_PORT) {
    yield fieldProblem.invalid('status.daemonEndpoints.kubeletEndpoint.port', port, 'must be between 0 and 65535, inclusive')
  }
  for (const [name, text] of Object.entries(status.nodeInfo)) {
    if (typeof text === 'string') yield* lengthProblems(text, `status.nodeInfo.${name}`)
  }
}

function* listProblems<T>(
  list: readonly T[],
  most: number,
  path: string,
  problems: (item: T, path: string) => Iterable<FieldProblem>,
): Generator<FieldProblem> {
  if (list.length > most) yield fieldProblem.tooMany(path, list.length, most)
  else for (const [index, item] of list.entries()) yield* problems(item, `${path}[${index}]`)
}

function* duplicates(list: readonly unknown[], path: string): Generator<FieldProblem> {
  const seen = new Set<string>()
  for (const [index, item] of list.entries()) {
    const identity = JSON.stringify(item)
    if (seen.has(identity)) yield fieldProblem.duplicate(`${path}[${index}]`, item)
    seen.add(identity)
  }
}

function* amountsProblems(amounts: Readonly<Record<string, string>>, path: string): Generator<FieldProblem> {
  const count = Object.keys(amounts).length
  if (count > inputLimits.nodeResources) yield fieldProblem.tooMany(path, count, inputLimits.nodeResources)
  else yield* resourceListProblems(amounts, path)
}

function* addressProblems({ type, address }: NodeAddress, path: string): Generator<FieldProblem> {
  if (!addressTypes.includes(type)) yield fieldProblem.notSupported(`${path}.type`, type, addressTypes)
  if (isIP(address) !== 0) return
  if (type === 'InternalIP' || type === 'ExternalIP') {
    yield fieldProblem.invalid(`${path}.address`, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')
  } else for (const problem of subdomainProblems(address)) yield fieldProblem.invalid(`${path}.address`, address, problem)
}

function* conditionProblems({ type, status, reason = '', message = '' }: NodeCondition, path: string): Generator<FieldProblem> {
  for (const problem of labelKeyProblems(type)) yield fieldProblem.invalid(`${path}.type`, type, problem)
  if (!states.includes(status)) yield fieldProblem.notSupported(`${path}.status`, status, states)
  yield* lengthProblems(reason, `${path}.reason`)
  yield* lengthProblems(message, `${path}.message`)
}

function* imageProblems(image: ContainerImage, path: string): Generator<FieldProblem> {
  const names = image.names ?? []
  const { sizeBytes = 0 } = image
  if (names.length > inputLimits.nodeImageNames) yield fieldProblem.tooMany(`${path}.names`, names.length, inputLimits.nodeImageNames)
  else for (const [index, name] of names.entries()) yield* lengthProblems(name, `${path}.names[${index}]`)
  if (sizeBytes < 0) yield fieldProblem.invalid(`${path}.sizeBytes`, sizeBytes, 'must be greater than or equal to 0')
}

function* lengthProblems(text: string, path: string): Generator<FieldProblem> {
  if (text.length > inputLimits.nodeTextCharacters) yield fieldProblem.tooLong(path, inputLimits.nodeTextCharacters)
}
