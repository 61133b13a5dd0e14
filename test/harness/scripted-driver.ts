import type { CsiDriver } from '../../kubelet/csi/csi-drivers.ts'
import type { CsiNodeCalls, NodeCapability } from '../../kubelet/csi/csi-messages.ts'

type Answers = {
  readonly [Name in keyof CsiNodeCalls]?: (request: CsiNodeCalls[Name]['request']) => Promise<CsiNodeCalls[Name]['response']>
}

/** A CSI driver that has no socket: calls are answered by functions, and fail as they throw. One that has none is a mistake of the test. */
export function scriptedDriver(name: string, answers: Answers, capabilities: readonly NodeCapability[] = []): CsiDriver {
  return {
    name,
    async call(called, request) {
      const answer = answers[called]
      if (!answer) throw new Error(`${called} was not expected`)
      return answer(request)
    },
    capabilities: async () => new Set(capabilities),
    close() {},
  }
}
