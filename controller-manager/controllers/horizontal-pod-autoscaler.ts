import { defineController } from '../../shared/controller/define-controller.ts'
import { sameJson } from '../../shared/objects/same-json.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerStatus, MetricStatus } from '../../shared/openapi/generated/autoscaling-v2.ts'
import { type LabelSelector, parseLabelSelector } from '../../shared/selectors/label-selector.ts'
import { timestamp } from '../../shared/time/timestamp.ts'
import { MetricFailure, propose } from '../autoscaling/metric-proposal.ts'
import { messageOf, metricReader } from '../autoscaling/metric-reader.ts'
import { readScale, type TargetScale, writeScale } from '../autoscaling/scale-client.ts'
import { tolerancesOf } from '../autoscaling/tolerances.ts'
import type { ControllerSettings } from '../config.ts'
import { ServedKinds } from '../metadata/served-kinds.ts'
import { type ConditionType, withCondition } from '../plans/autoscaler-conditions.ts'
import { type AutoscalerHistory, limitReplicas, remembered } from '../plans/autoscaler-limits.ts'
import { type Answer, boundsFirst, demandOf, rescaleReason } from '../plans/autoscaler-plan.ts'

/** Keeps something that has a scale as large as its metrics ask for. */
export default defineController<ControllerSettings>({
  name: 'horizontalpodautoscaling',
  serviceAccount: 'horizontal-pod-autoscaler',
  reconciles: ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  workers: 5,
  create(tools, settings) {
    const { informers, client, events, clock, signal } = tools
    const autoscalers = informers.of('autoscaling/v2', 'HorizontalPodAutoscaler')
    const pods = informers.of('v1', 'Pod')
    const kinds = new ServedKinds(client, clock)
    const reader = metricReader(client, kinds, signal)
    const period = settings.horizontalPodAutoscalerSyncPeriod
    const downscaleWindow = settings.horizontalPodAutoscalerDownscaleStabilization
    const histories = new Map<string, AutoscalerHistory>()
    /** Which pods each looks at: no pod may be pulled two ways. */
    const selectors = new Map<string, LabelSelector>()
    /** Our own writes come back as changes; they are no reason to look again before it is time. */
    const looks = new Map<string, { at: number; spec: HorizontalPodAutoscaler['spec'] }>()

    return {
      async reconcile(key, name) {
        const autoscaler = autoscalers.cache.get(key)
        if (!autoscaler) {
          for (const known of [histories, selectors, looks]) known.delete(key)
          return
        }
        const last = looks.get(key)
        const wait = last && sameJson(last.spec, autoscaler.spec) ? last.at + period - clock.now() : 0
        if (wait > 0) return { requeueAfterMilliseconds: wait }
        const look = new Look(autoscaler, key, name.namespace ?? '')
        await step(look)
        if (!sameJson(look.status, autoscaler.status)) {
          await client.updateStatus('autoscaling/v2', 'HorizontalPodAutoscaler', { ...autoscaler, status: look.status }, { signal })
        }
        looks.set(key, { at: clock.now(), spec: autoscaler.spec })
        return { requeueAfterMilliseconds: period }
      },
    }

    async function step(look: Look): Promise<void> {
      const { autoscaler, key, namespace } = look
      const { spec } = autoscaler
      let scale: TargetScale
      try {
        scale = await readScale(client, kinds, spec.scaleTargetRef, namespace, signal)
      } catch (error) {
        signal.throwIfAborted()
        warn(look, 'FailedGetScale', messageOf(error))
        const message = `the HPA controller was unable to get the target's current scale: ${messageOf(error)}`
        return look.set('AbleToScale', false, { reason: 'FailedGetScale', message }, clock.now())
      }
      const able = { reason: 'SucceededGetScale', message: "the HPA controller was able to get the target's current scale" }
      look.set('AbleToScale', true, able, clock.now())
      const current = scale.specReplicas
      const first = { recommendations: [{ replicas: current, at: clock.now() }], added: [], removed: [] }
      if (!histories.has(key)) histories.set(key, first)
      const bounds = boundsFirst({ current, min: spec.minReplicas ?? 1, max: spec.maxReplicas })
      if (bounds.kind === 'off') {
        const message = 'scaling is disabled since the replica count of the target is zero'
        look.set('ScalingActive', false, { reason: 'ScalingDisabled', message }, clock.now())
        return look.sizes(current, current, [])
      }
      if (bounds.kind === 'step') return rescale(look, scale, bounds.replicas, bounds.why, [])
      await measure(look, scale)
    }

    async function measure(look: Look, scale: TargetScale): Promise<void> {
      const { autoscaler, key } = look
      const { spec } = autoscaler
      const current = scale.specReplicas
      const selector = selectorOf(look, scale)
      if (!selector) return look.sizes(current, autoscaler.status.desiredReplicas, autoscaler.status.currentMetrics ?? [])
      const demand = demandOf(await answersOf(look, scale, selector), current)
      if (demand.kind === 'unknown') {
        look.set('ScalingActive', false, demand, clock.now())
        warn(look, 'FailedComputeMetricsReplicas', demand.summary)
        return look.sizes(current, autoscaler.status.desiredReplicas, demand.statuses)
      }
      const found = `the HPA was able to successfully calculate a replica count from ${demand.what}`
      look.set('ScalingActive', true, { reason: 'ValidMetricFound', message: found }, clock.now())
      const now = clock.now()
      const history = histories.get(key) ?? { recommendations: [], added: [], removed: [] }
      const { behavior } = spec
      const limited = limitReplicas({
        ...{ current, wanted: demand.replicas, min: spec.minReplicas ?? 1, max: spec.maxReplicas },
        ...{ behavior, downscaleWindow, history, now },
      })
      look.set('AbleToScale', true, limited.able, now)
      look.set('ScalingLimited', limited.limit.isLimited, limited.limit, now)
      const unchanged = { wanted: demand.replicas, from: current, to: current }
      histories.set(key, remembered(history, unchanged, { behavior, downscaleWindow, now }))
      if (limited.replicas === current) return look.sizes(current, current, demand.statuses)
      await rescale(look, scale, limited.replicas, rescaleReason(demand, current), demand.statuses)
    }

    async function rescale(look: Look, scale: TargetScale, replicas: number, why: string, statuses: readonly MetricStatus[]) {
      const current = scale.specReplicas
      const { behavior } = look.autoscaler.spec
      try {
        await writeScale(client, scale, replicas, signal)
      } catch (error) {
        signal.throwIfAborted()
        warn(look, 'FailedRescale', `New size: ${replicas}; reason: ${why}; error: ${messageOf(error)}`)
        const message = `the HPA controller was unable to update the target scale: ${messageOf(error)}`
        look.set('AbleToScale', false, { reason: 'FailedUpdateScale', message }, clock.now())
        return look.sizes(current, look.autoscaler.status.desiredReplicas, statuses)
      }
      const now = clock.now()
      const message = `the HPA controller was able to update the target scale to ${replicas}`
      look.set('AbleToScale', true, { reason: 'SucceededRescale', message }, now)
      events.record(look.autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${why}`)
      const history = histories.get(look.key) ?? { recommendations: [], added: [], removed: [] }
      histories.set(look.key, remembered(history, { from: current, to: replicas }, { behavior, downscaleWindow, now }))
      look.sizes(current, replicas, statuses)
      look.status.lastScaleTime = timestamp(now)
    }

    /** Undefined where the target cannot be measured; the condition says why. */
    function selectorOf(look: Look, scale: TargetScale): LabelSelector | undefined {
      const refuse = (reason: string, message: string, event = message) => {
        warn(look, reason, event)
        look.set('ScalingActive', false, { reason, message }, clock.now())
        selectors.delete(look.key)
      }
      if (scale.selector === '') {
        warn(look, 'SelectorRequired', 'selector is required')
        look.set(
          'ScalingActive',
          false,
          { reason: 'InvalidSelector', message: "the HPA target's scale is missing a selector" },
          clock.now(),
        )
        return undefined
      }
      let selector: LabelSelector
      try {
        selector = parseLabelSelector(scale.selector)
      } catch (error) {
        refuse('InvalidSelector', `couldn't convert selector into a corresponding internal selector object: ${messageOf(error)}`)
        return undefined
      }
      selectors.set(look.key, selector)
      const mine = podsOf(look.namespace, selector)
      const others = [...selectors].filter(([key, other]) => {
        return key.startsWith(`${look.namespace}/`) && mine.some(({ metadata }) => other.matches(metadata.labels))
      })
      if (others.length < 2) return selector
      const names = others.map(([key]) => key).sort()
      const message = `pods by selector ${scale.selector} are controlled by multiple HPAs: [${names.join(' ')}]`
      warn(look, 'AmbiguousSelector', message)
      look.set('ScalingActive', false, { reason: 'AmbiguousSelector', message }, clock.now())
      return undefined
    }

    function answersOf(look: Look, scale: TargetScale, selector: LabelSelector): Promise<Answer[]> {
      const { autoscaler, namespace } = look
      const context = {
        ...{ reader, namespace, selector: scale.selector, pods: podsOf(namespace, selector), now: clock.now() },
        ...{ currentReplicas: scale.specReplicas, statusReplicas: scale.statusReplicas },
        tolerances: tolerancesOf(autoscaler.spec.behavior, settings.horizontalPodAutoscalerTolerance),
        cpuInitializationPeriod: settings.horizontalPodAutoscalerCpuInitializationPeriod,
        initialReadinessDelay: settings.horizontalPodAutoscalerInitialReadinessDelay,
      }
      return Promise.all(
        (autoscaler.spec.metrics ?? []).map(async (metric): Promise<Answer> => {
          try {
            return await propose(metric, context)
          } catch (error) {
            signal.throwIfAborted()
            if (!(error instanceof MetricFailure)) throw error
            warn(look, error.reason, error.message)
            return { reason: error.reason, message: error.message, summary: error.summary, type: metric.type }
          }
        }),
      )
    }

    function podsOf(namespace: string, selector: LabelSelector) {
      return pods.cache.list(namespace).filter(({ metadata }) => selector.matches(metadata.labels))
    }

    function warn({ autoscaler }: Look, reason: string, message: string): void {
      events.record(autoscaler, 'Warning', reason, message)
    }
  },
})

/** An autoscaler during one look: the status that it will have. */
class Look {
  readonly autoscaler: HorizontalPodAutoscaler
  readonly key: string
  readonly namespace: string
  status: HorizontalPodAutoscalerStatus

  constructor(autoscaler: HorizontalPodAutoscaler, key: string, namespace: string) {
    this.autoscaler = autoscaler
    this.key = key
    this.namespace = namespace
    this.status = { ...autoscaler.status }
  }

  set(type: ConditionType, isTrue: boolean, why: { readonly reason: string; readonly message: string }, now: number): void {
    this.status.conditions = withCondition(this.status.conditions ?? [], type, isTrue, why, now)
  }

  sizes(current: number, desired: number, metrics: readonly MetricStatus[]): void {
    this.status = { ...this.status, currentReplicas: current, desiredReplicas: desired, currentMetrics: [...metrics] }
  }
}
