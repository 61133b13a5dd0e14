import type { LabelSelector } from '../../shared/selectors/label-selector.ts'
import { contentName } from './content-name.ts'
import { type AddressRange, addressNumber, within } from './number-ranges.ts'
import type { PolicyPod, Protocol } from './policy-pod.ts'

type Labels = Readonly<Record<string, string>> | undefined

/** Pods that a rule speaks of; all that is given must hold. */
export interface PodChoice {
  /** The one namespace that they are in. */
  readonly namespace?: string | undefined
  readonly namespaces?: LabelSelector | undefined
  readonly pods?: LabelSelector | undefined
  readonly addresses?: readonly AddressRange[] | undefined
}

/** A set of the table: addresses of pods, or with `port` where their ports of that name are (address . protocol . port). */
export class PeerGroup {
  readonly choice: PodChoice
  readonly port: { readonly name: string; readonly protocol: Protocol } | undefined
  /** Of the set; whoever speaks of the same pods shares it. */
  readonly name: string

  constructor(choice: PodChoice, port?: PeerGroup['port']) {
    const { namespace, namespaces, pods, addresses } = choice
    this.choice = choice
    this.port = port
    this.name = contentName(port ? 'ports' : 'pods', [namespace, namespaces && `${namespaces}`, pods && `${pods}`, addresses, port])
  }

  /**
   * The elements that the pod has in the set: none when it is not meant.
   * @param address of the pod, of the family of the table
   */
  elementsOf({ metadata, ports }: PolicyPod, address: string | undefined, namespaceLabels: Labels): string[] {
    const { namespace, namespaces, pods, addresses } = this.choice
    if (address === undefined || (namespace !== undefined && metadata.namespace !== namespace)) return []
    if (namespaces && !namespaces.matches(namespaceLabels)) return []
    if (pods && !pods.matches(metadata.labels)) return []
    if (addresses && !within(addresses, addressNumber(address) ?? -1)) return []
    if (!this.port) return [address]
    const { name, protocol } = this.port
    const found = ports.filter((port) => port.name === name && port.protocol === protocol)
    return [...new Set(found.map(({ port }) => `${address} . ${protocol} . ${port}`))]
  }
}
