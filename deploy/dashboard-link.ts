import type { Client } from '../shared/client/client.ts'
import { connectClient } from '../shared/client/connect.ts'
import { requestToken } from '../shared/client/request-token.ts'
import { hasReason } from '../shared/errors/status-error.ts'
import { systemRandom } from '../shared/random/random.ts'
import type { Clock } from '../shared/time/clock.ts'
import type { Settings } from './settings.ts'
import { CannotGoOn } from './step.ts'

/** Whom the link makes its reader: browsers cannot use the administrator's certificate, so there is an account with the same rights. */
const ACCOUNT = { namespace: 'kube-system', name: 'dashboard-administrator' }
const GROUP = 'rbac.authorization.k8s.io'
/** A working day. */
const TOKEN_SECONDS = 12 * 3600
const PATIENCE_MS = 15_000
const ASK_AGAIN_MS = 50

/**
 * A link to the dashboard that signs its reader in, once, as the cluster's administrator. The token is put away at the dashboard's server;
 * in the link is only the code that takes it out, and it is good for ten minutes.
 * @throws CannotGoOn when the dashboard does not answer, or gives no link
 */
export async function dashboardLink(settings: Pick<Settings, 'dashboardPort' | 'kubeconfig'>, clock: Clock): Promise<string> {
  const url = `http://127.0.0.1:${settings.dashboardPort}`
  const { client, close } = connectClient({ kubeconfig: settings.kubeconfig, clock, random: systemRandom(), userAgent: 'coxswain' })
  try {
    await ensureAccount(client)
    const { token } = await requestToken(client, ACCOUNT, { expirationSeconds: TOKEN_SECONDS })
    return `${url}/#${await putAway(url, token, clock)}`
  } finally {
    close()
  }
}

async function ensureAccount(client: Client): Promise<void> {
  await unlessThere(client.create('v1', 'ServiceAccount', { metadata: ACCOUNT }))
  await unlessThere(
    client.create(`${GROUP}/v1`, 'ClusterRoleBinding', {
      metadata: { name: ACCOUNT.name },
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', ...ACCOUNT }],
    }),
  )
}

async function unlessThere(creation: Promise<unknown>): Promise<void> {
  await creation.catch((error: unknown) => {
    if (!hasReason(error, 'AlreadyExists')) throw error
  })
}

/** Asks until the dashboard's server is there: it starts beside everything else. */
async function putAway(url: string, token: string, clock: Clock): Promise<string> {
  const deadline = clock.monotonic() + PATIENCE_MS
  for (;;) {
    try {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}/session/link`, { method: 'POST', headers, body: JSON.stringify({ token }) })
      const body = (await answer.json()) as { code?: string; message?: string }
      if (body.code !== undefined) return body.code
      throw new CannotGoOn(`the dashboard gives no link: ${body.message}`, "'deploy/compose.sh logs dashboard' shows its log")
    } catch (error) {
      if (error instanceof CannotGoOn) throw error
      if (clock.monotonic() > deadline) {
        throw new CannotGoOn(`the dashboard does not answer at ${url}`, "'deploy/compose.sh logs dashboard' shows its log", {
          cause: error,
        })
      }
      await clock.sleep(ASK_AGAIN_MS)
    }
  }
}
