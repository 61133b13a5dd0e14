import { parseKubeconfig } from '../../../shared/client/kubeconfig.ts'
import { type ClusterRanges, isRanges } from '../machine/machine-record.ts'
import { askServer, type ServerAnswer } from './ask-server.ts'
import { pinnedAuthorities } from './authority-hash.ts'
import { clockProblem, connectionProblem, JoinProblem } from './join-problem.ts'

/** What a machine is given to join with. */
export interface JoinWish {
  readonly server: URL
  readonly token: string
  /** Of the authorities it may believe (`sha256:…`). */
  readonly authorityHashes: readonly string[]
  readonly nodeName: string
}

/** What it learns of the cluster. */
export interface ClusterCard {
  /** PEM; proven by its hash. */
  readonly authority: string
  readonly ranges: ClusterRanges
}

/** Under which key of the ConfigMap `kube-public/cluster-info` the server's machine tells the others the ranges. */
export const LAB_KEY = 'coxswain-lab'
const CARD = '/api/v1/namespaces/kube-public/configmaps/cluster-info'
const REVIEW = '/apis/authentication.k8s.io/v1/selfsubjectreviews'

/**
 * Finds the cluster: its public card over a connection that proves nothing, the authority in it by the hash, the server by that authority; then
 * whether the token is good and the name free. The token is shown to nobody before that. @throws JoinProblem
 */
export async function discover(wish: JoinWish, now: () => number): Promise<ClusterCard> {
  const card = await ask(wish, CARD, {})
  const skew = clockProblem(card.date, now())
  if (skew) throw skew
  const { kubeconfig, ranges } = readCard(card, wish)
  const pinned = pinnedAuthorities(kubeconfig, wish.authorityHashes)
  if (pinned.length === 0) {
    throw new JoinProblem(
      `the authority of the cluster at ${wish.server.host} is not the one of the given hash: it is another cluster, or somebody in between`,
      'on the server, coxswain-lab token create prints the command with the right hash',
      { heals: false },
    )
  }
  const authority = pinned.join('')
  await checkToken(wish, authority)
  await checkName(wish, authority)
  return { authority, ranges }
}

async function checkToken(wish: JoinWish, authority: string): Promise<void> {
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' })
  const { status } = await ask(wish, REVIEW, { method: 'POST', body, authority, token: wish.token })
  if (status !== 401) return
  throw new JoinProblem(
    `the server does not take the token ${wish.token.slice(0, 6)}: it has expired, was deleted or is mistyped`,
    'on the server, coxswain-lab token list shows those that are good, coxswain-lab token create makes one',
    { heals: false },
  )
}

/** A living node of that name would be pushed aside, and both kubelets would fight over its pods. */
async function checkName(wish: JoinWish, authority: string): Promise<void> {
  const { status, body } = await ask(wish, `/api/v1/nodes/${encodeURIComponent(wish.nodeName)}`, { authority, token: wish.token })
  if (status !== 200 || !isReadyNode(body)) return
  throw new JoinProblem(
    `another machine is the node ${wish.nodeName}, and it is alive`,
    `give this one another name with --node-name; if it is the same machine made anew, kubectl delete node ${wish.nodeName}: the join goes on by itself`,
    { heals: true },
  )
}

async function ask(wish: JoinWish, path: string, question: Parameters<typeof askServer>[2]): Promise<ServerAnswer> {
  let answer: ServerAnswer
  try {
    answer = await askServer(wish.server, path, question)
  } catch (error) {
    throw connectionProblem(error, { host: wish.server.hostname, port: wish.server.port || '443' })
  }
  if (answer.status < 500 && answer.status !== 429) return answer
  throw new JoinProblem(`the server is not ready (it answers ${answer.status})`, 'wait, or look at its log', { heals: true })
}

function readCard({ status, body }: ServerAnswer, { server }: JoinWish): { kubeconfig: string; ranges: ClusterRanges } {
  const data = status === 200 ? field(parsed(body), 'data') : undefined
  const [kubeconfig, own] = [field(data, 'kubeconfig'), field(data, LAB_KEY)]
  const authority = typeof kubeconfig === 'string' ? authorityOf(kubeconfig) : undefined
  if (authority === undefined) {
    throw new JoinProblem(
      `what answers at ${server.host} is no Kubernetes API server (status ${status})`,
      'is it the right port? The API server listens on 6443 unless it was told another',
      { heals: false },
    )
  }
  const ranges = typeof own === 'string' ? parsed(own) : undefined
  if (!isRanges(ranges)) {
    const why = `the cluster at ${server.host} does not tell its ranges: its server was not started by coxswain-lab, or is still starting`
    throw new JoinProblem(why, 'on the server: coxswain-lab server', { heals: true })
  }
  return { kubeconfig: authority, ranges }
}

/** PEM of the authorities in a kubeconfig. */
function authorityOf(kubeconfig: string): string | undefined {
  const clusters = field(
    safely(() => parseKubeconfig(kubeconfig)),
    'clusters',
  )
  const cluster = Array.isArray(clusters) ? field(clusters[0], 'cluster') : undefined
  const data = field(cluster, 'certificate-authority-data')
  return typeof data === 'string' ? Buffer.from(data, 'base64').toString('utf8') : undefined
}

function isReadyNode(body: string): boolean {
  const conditions = field(field(parsed(body), 'status'), 'conditions')
  if (!Array.isArray(conditions)) return false
  return conditions.some((one: unknown) => field(one, 'type') === 'Ready' && field(one, 'status') === 'True')
}

const parsed = (text: string): unknown => safely(() => JSON.parse(text))

/** What a stranger's text means; undefined where it means nothing. */
function safely(read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return undefined // a stranger's text: the callers say what was expected instead
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map<string, unknown>(Object.entries(value)).get(name) : undefined
}
