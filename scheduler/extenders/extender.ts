import type { Transport } from '../../shared/client/transport.ts'
import type { Node, Pod } from '../../shared/openapi/generated/core-v1.ts'
import { collectAnswer } from '../../shared/streams/collect-answer.ts'
import type { Clock } from '../../shared/time/clock.ts'
import type { PodInfo } from '../pod-info.ts'
import type { Candidate } from '../preemption/victims.ts'
import { AnswerError, fieldsOf, listIn, textOf, textsIn, throwIfFailed } from './answers.ts'
import type { ExtenderSettings } from './extender-config.ts'

/** Bytes of an answer that are read at most: five thousand nodes of 20 KiB come back whole. */
const ANSWER_BYTES = 100 * 1024 * 1024
/** An extender gives up to ten points where rules give up to a hundred. */
const POINTS = 10

export interface Filtered {
  readonly fitting: ReadonlySet<string>
  /** Why a node does not, and whether a pod's leaving could change that. */
  readonly failed: ReadonlyMap<string, { readonly reason: string; readonly isFinal: boolean }>
}

/** Another program that has a say in where pods go, over HTTP (upstream's extender v1: Go's field names on the wire). */
export class Extender {
  readonly settings: ExtenderSettings
  readonly #transport: Transport
  readonly #clock: Clock
  readonly #managed: ReadonlySet<string>

  constructor(settings: ExtenderSettings, { transport, clock }: { transport: Transport; clock: Clock }) {
    this.settings = settings
    this.#transport = transport
    this.#clock = clock
    this.#managed = new Set(settings.managedResources?.map(({ name }) => name))
  }

  get name(): string {
    return this.settings.urlPrefix
  }

  /** All pods, or those that ask for one of its resources. */
  isInterested({ spec }: Pod): boolean {
    if (this.#managed.size === 0) return true
    const asks = (list: Record<string, string> | undefined) => Object.keys(list ?? {}).some((name) => this.#managed.has(name))
    return [...spec.containers, ...(spec.initContainers ?? [])].some(
      ({ resources }) => asks(resources?.requests) || asks(resources?.limits),
    )
  }

  /** @throws Error when there is no answer, or no good one */
  async filter(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<Filtered> {
    const answer = fieldsOf(await this.#post(this.settings.filterVerb, this.#question(pod, nodes), signal), 'the answer')
    throwIfFailed(answer)
    const asked = new Set(nodes.map(({ metadata }) => metadata.name ?? ''))
    const fitting = new Set(
      this.settings.nodeCacheCapable ? listIn(answer, 'NodeNames')?.map((name) => textOf(name, 'NodeNames')) : undefined,
    )
    if (fitting.size === 0 && answer.get('nodes'))
      for (const node of listIn(fieldsOf(answer.get('nodes'), 'Nodes'), 'items') ?? []) fitting.add(nameOf(node))
    for (const name of fitting)
      if (!asked.has(name))
        throw new AnswerError(`it claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`)
    const final = textsIn(answer, 'FailedAndUnresolvableNodes')
    const failed = new Map([...textsIn(answer, 'FailedNodes')].map(([node, reason]) => [node, { reason, isFinal: false }]))
    for (const [node, reason] of final) failed.set(node, { reason, isFinal: true })
    return { fitting, failed }
  }

  /** Points by node, weighed, on the rules' scale. @throws Error */
  async prioritize(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#post(this.settings.prioritizeVerb, this.#question(pod, nodes), signal)
    if (!Array.isArray(answer)) throw new AnswerError('the answer is no list')
    const { weight = 1 } = this.settings
    return new Map(
      answer.map((each: unknown) => {
        const fields = fieldsOf(each, 'a priority')
        const score = fields.get('score') ?? 0
        if (typeof score !== 'number') throw new AnswerError('a score is no number')
        return [textOf(fields.get('host'), 'a host'), score * weight * POINTS]
      }),
    )
  }

  /** @throws Error when the pod is not bound */
  async bind({ pod, uid, namespace }: PodInfo, node: string, signal: AbortSignal): Promise<void> {
    const question = { PodName: pod.metadata.name, PodNamespace: namespace, PodUID: uid, Node: node }
    throwIfFailed(fieldsOf(await this.#post(this.settings.bindVerb, question, signal), 'the answer'))
  }

  /** Those of the candidates that are to be considered, with the victims that are to leave. @throws Error */
  async preempt(pod: Pod, candidates: readonly Candidate[], signal: AbortSignal): Promise<Candidate[]> {
    const victimsOf = <T>(write: (victim: PodInfo) => T) =>
      Object.fromEntries(
        candidates.map(({ node, victims, violations }) => [node.name, { Pods: victims.map(write), NumPDBViolations: violations }]),
      )
    const question = this.settings.nodeCacheCapable
      ? { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: victimsOf(({ uid }) => ({ UID: uid })) }
      : { Pod: pod, NodeNameToVictims: victimsOf((victim) => victim.pod), NodeNameToMetaVictims: null }
    const answer = fieldsOf(await this.#post(this.settings.preemptVerb, question, signal), 'the answer')
    const nodes = answer.get('nodenametometavictims') ?? {}
    if (typeof nodes !== 'object' || Array.isArray(nodes)) throw new AnswerError('NodeNameToMetaVictims is no object')
    return Object.entries(nodes).map(([name, value]) => {
      const candidate = candidates.find(({ node }) => node.name === name)
      if (!candidate) throw new AnswerError(`it claims a node ${JSON.stringify(name)} that it was not asked about`)
      const fields = fieldsOf(value, `NodeNameToMetaVictims[${JSON.stringify(name)}]`)
      const victims = (listIn(fields, 'Pods') ?? []).map((each) => {
        const uid = textOf(fieldsOf(each, 'a victim').get('uid'), 'UID')
        const victim = candidate.node.pods.get(uid)
        if (!victim) throw new AnswerError(`it claims to preempt pod (UID: ${uid}) on node ${name}, but the pod is not found on that node`)
        return victim
      })
      const violations = fields.get('numpdbviolations')
      return { node: candidate.node, victims, violations: typeof violations === 'number' ? violations : 0 }
    })
  }

  #question(pod: Pod, nodes: readonly Node[]): object {
    if (this.settings.nodeCacheCapable) return { Pod: pod, Nodes: null, NodeNames: nodes.map(({ metadata }) => metadata.name) }
    return { Pod: pod, Nodes: { metadata: {}, items: nodes }, NodeNames: null }
  }

  async #post(verb: string | undefined, question: object, signal: AbortSignal): Promise<unknown> {
    const late = new AbortController()
    const timer = this.#clock.after(this.settings.timeoutMilliseconds, () => late.abort(new Error('it did not answer in time')))
    try {
      const either = AbortSignal.any([signal, late.signal])
      const answer = await this.#transport.send({
        ...{ method: 'POST', path: `/${verb ?? ''}`, headers: { 'content-type': 'application/json', accept: 'application/json' } },
        ...{ body: JSON.stringify(question), signal: either },
      })
      const bytes = await collectAnswer(answer.chunks(), ANSWER_BYTES, either)
      if (answer.status !== 200) throw new AnswerError(`failed ${verb}, code ${answer.status}`)
      return JSON.parse(bytes.toString())
    } catch (error) {
      signal.throwIfAborted()
      const why = late.signal.aborted ? late.signal.reason : error
      throw new Error(`extender ${this.name}: ${why instanceof Error ? why.message : String(why)}`, { cause: error })
    } finally {
      timer.cancel()
    }
  }
}

function nameOf(node: unknown): string {
  return textOf(fieldsOf(fieldsOf(node, 'a node').get('metadata'), 'metadata').get('name'), 'metadata.name')
}
