import type { DialRule } from '../../apiserver/connect/dialable-address.ts'
import { StatusError } from '../../shared/errors/status-error.ts'

const WHY = 'this is a fork of a cluster: it connects to no node, pod or webhook'

/** The addresses of a copy are those of the live cluster's nodes and pods: a fork's server connects to none, nor to those that come later. */
export const dialsNobody: DialRule = {
  problem: () => WHY,
  require() {
    throw new StatusError('ServiceUnavailable', WHY)
  },
  lookup: (_hostname, _options, callback) => callback(new Error(WHY), ''),
}
