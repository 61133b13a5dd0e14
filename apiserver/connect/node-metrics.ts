import { StatusError } from '../../shared/errors/status-error.ts'
import { inputLimits } from '../../shared/limits/input-limits.ts'
import type { KubeletConnections } from './kubelet-connection.ts'

/** What a node says it uses, as it says it. @throws StatusError when it cannot be reached, refuses, or says more than any real node has to */
export async function nodeMetrics(kubelets: KubeletConnections, node: string, signal: AbortSignal): Promise<string> {
  const answer = await kubelets.get(kubelets.addressOf(node), '/metrics/resource', { signal })
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer) {
    const bytes = Buffer.from(chunk)
    size += bytes.length
    if (size > inputLimits.nodeMetricsBytes)
      throw new StatusError('InternalError', `node ${JSON.stringify(node)} says too much of its usage`)
    chunks.push(bytes)
  }
  if (answer.statusCode !== 200) throw new StatusError('InternalError', `node ${JSON.stringify(node)} answered ${answer.statusCode}`)
  return Buffer.concat(chunks).toString()
}
