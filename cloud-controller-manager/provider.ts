import type { LoadBalancerStatus, Node, NodeAddress, Service } from '../shared/openapi/generated/core-v1.ts'
import type { ComponentTools } from '../shared/process/component.ts'
import type { CloudController } from './cloud-controller.ts'
import type { CloudConfig } from './config.ts'

/**
 * What a cluster asks of the place it runs in. Every part may be missing; controllers of missing parts do not run. All calls are idempotent
 * and may be given up in the middle (a crash, an abort): the same call again goes on from what is there.
 * One suite for all of them: test/contract/cloud-provider.ts.
 */
export interface CloudProvider {
  readonly name: string
  readonly instances?: Instances
  readonly loadBalancers?: LoadBalancers
  readonly routes?: Routes
  /** Loops that only this provider needs. */
  readonly controllers?: readonly CloudController[]
}

/** Makes a provider; nothing runs, and nobody is asked, before its first call. @throws ConfigError when a setting of its is missing or wrong */
export type ProviderFactory = (config: CloudConfig, tools: ComponentTools, outside: Outside) => CloudProvider

/** What is outside the cluster. */
export interface Outside {
  /** A request to an HTTP API and its answer; `fetch` has this shape. */
  readonly send: (url: string, init: RequestInit) => Promise<Response>
}

/** The machines behind the nodes. */
export interface Instances {
  /** Whether the machine is still there, running or not. A provider that cannot know says yes: a node is deleted for a no. */
  exists(node: Node, signal: AbortSignal): Promise<boolean>
  /** Whether it is there and switched off. */
  isShutDown(node: Node, signal: AbortSignal): Promise<boolean>
  /** What the cloud knows of it; undefined when there is no such machine. */
  metadata(node: Node, signal: AbortSignal): Promise<InstanceMetadata | undefined>
}

export interface InstanceMetadata {
  /** `<provider>://<id>`; for life. */
  readonly providerID: string
  /** What kind of machine; label `node.kubernetes.io/instance-type`. */
  readonly instanceType?: string | undefined
  readonly zone?: string | undefined
  readonly region?: string | undefined
  /** The most useful first. */
  readonly addresses: readonly NodeAddress[]
}

/** Ways into Services of type LoadBalancer. Which is whose is found by the Service's uid, never by memory. */
export interface LoadBalancers {
  /** What leads to the Service now; undefined when there is nothing. */
  find(service: Service, signal: AbortSignal): Promise<LoadBalancerStatus | undefined>
  /**
   * Sees to it that the Service's ports are reached from outside, through these nodes, and that nothing else is.
   * @throws TryLater while it is under way; CannotBalance when the Service asks for what there is not
   */
  ensure(service: Service, nodes: readonly Node[], signal: AbortSignal): Promise<LoadBalancerStatus>
  /** What `ensure` answered may not be: the API server refused to write it down. Next time it is something else. */
  refused?(service: Service, status: LoadBalancerStatus): void
  /** Sees to it that nothing leads to the Service, and that nothing is kept (or paid) for it. @throws TryLater while it is under way */
  delete(service: Service, signal: AbortSignal): Promise<void>
}

/** Ways to the Pods of a node, kept by the cloud's network. */
export interface Routes {
  list(signal: AbortSignal): Promise<readonly CloudRoute[]>
  create(route: CloudRoute, signal: AbortSignal): Promise<void>
  delete(route: CloudRoute, signal: AbortSignal): Promise<void>
}

export interface CloudRoute {
  /** The Pod addresses. */
  readonly range: string
  /** Where they are reached: an address of their node. */
  readonly gateway: string
}

/** The provider is at work, or asks for patience; no failure. */
export class TryLater extends Error {
  override readonly name = 'TryLater'
  readonly afterMilliseconds: number
  constructor(why: string, afterMilliseconds: number, options?: ErrorOptions) {
    super(why, options)
    this.afterMilliseconds = afterMilliseconds
  }
}

/** What the Service asks for cannot be had; the sentence is for its owner. It is tried again when something becomes free, and by and by. */
export class CannotBalance extends Error {
  override readonly name = 'CannotBalance'
}
