import { type FieldProblem, fieldProblem } from '../../../shared/errors/field-error.ts'
import type {
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  LifecycleHandler,
  Probe,
  TCPSocketAction,
} from '../../../shared/openapi/generated/core-v1.ts'
import { patternProblem } from '../../../shared/selectors/label-syntax.ts'
import { portNameProblems, portNumberProblems } from '../metadata/names.ts'

interface Handlers {
  exec?: ExecAction | undefined
  httpGet?: HTTPGetAction | undefined
  tcpSocket?: TCPSocketAction | undefined
  grpc?: GRPCAction | undefined
}

export type ProbeRole = 'livenessProbe' | 'readinessProbe' | 'startupProbe'

/** One way to ask, sane numbers. */
export function* probeProblems(probe: Probe, role: ProbeRole, path: string): Generator<FieldProblem> {
  yield* handlerProblems(probe, path)
  for (const field of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    const value = probe[field] ?? 0
    if (value < 0) yield fieldProblem.invalid(`${path}.${field}`, value, 'must be greater than or equal to 0')
  }
  if (role !== 'readinessProbe' && (probe.successThreshold ?? 1) !== 1) {
    yield fieldProblem.invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1')
  }
  const grace = probe.terminationGracePeriodSeconds
  if (grace === undefined) return
  if (role === 'readinessProbe')
    yield fieldProblem.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes')
  else if (grace <= 0) yield fieldProblem.invalid(`${path}.terminationGracePeriodSeconds`, grace, 'must be greater than 0')
}

/** What to do after the start or before the stop of a container. */
export function* lifecycleProblems(handler: LifecycleHandler, path: string, graceSeconds: number | undefined): Generator<FieldProblem> {
  yield* handlerProblems(handler, path, handler.sleep !== undefined)
  if (!handler.sleep) return
  const { seconds } = handler.sleep
  const limit = graceSeconds ?? 30
  if (seconds < 0 || seconds > limit) {
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${limit})`
    yield fieldProblem.invalid(`${path}.sleep`, seconds, detail)
  }
}

function* handlerProblems(handlers: Handlers, path: string, hasOther = false): Generator<FieldProblem> {
  let count = hasOther ? 1 : 0
  for (const kind of ['exec', 'httpGet', 'tcpSocket', 'grpc'] as const) {
    if (!handlers[kind]) continue
    if (count++ > 0) {
      yield fieldProblem.forbidden(`${path}.${kind}`, 'may not specify more than 1 handler type')
      continue
    }
    if (kind === 'exec' && !handlers.exec?.command?.length) yield fieldProblem.required(`${path}.exec.command`)
    if (kind === 'httpGet') yield* httpProblems(handlers.httpGet!, `${path}.httpGet`)
    if (kind === 'tcpSocket') yield* portProblems(handlers.tcpSocket!.port, `${path}.tcpSocket.port`)
    if (kind === 'grpc') yield* portProblems(handlers.grpc!.port, `${path}.grpc.port`)
  }
  if (count === 0) yield fieldProblem.required(path, 'must specify a handler type')
}

const HEADER_SENTENCE = "a valid HTTP header must consist of alphanumeric characters or '-'"

function* httpProblems(action: HTTPGetAction, path: string): Generator<FieldProblem> {
  if (!action.path) yield fieldProblem.required(`${path}.path`)
  yield* portProblems(action.port, `${path}.port`)
  if (action.scheme !== 'HTTP' && action.scheme !== 'HTTPS') {
    yield fieldProblem.notSupported(`${path}.scheme`, action.scheme ?? '', ['HTTP', 'HTTPS'])
  }
  for (const { name } of action.httpHeaders ?? []) {
    if (!/^[-A-Za-z0-9]+$/.test(name)) {
      yield fieldProblem.invalid(`${path}.httpHeaders`, name, patternProblem(HEADER_SENTENCE, '[-A-Za-z0-9]+', 'X-Header-Name'))
    }
  }
}

function* portProblems(port: number | string, path: string): Generator<FieldProblem> {
  const problems = typeof port === 'number' ? portNumberProblems(port) : portNameProblems(port)
  for (const problem of problems) yield fieldProblem.invalid(path, port, problem)
}
