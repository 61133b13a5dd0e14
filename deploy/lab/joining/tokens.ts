import { bootstrapTokenSecret, makeBootstrapToken } from '../../../shared/certificates/bootstrap-token.ts'
import type { Client } from '../../../shared/client/client.ts'
import { connectClient } from '../../../shared/client/connect.ts'
import { hasReason } from '../../../shared/errors/status-error.ts'
import { parseTimestamp, timestamp } from '../../../shared/time/timestamp.ts'
import { CannotGoOn } from '../../step.ts'
import type { LabContext } from '../lab-command.ts'
import { adminKubeconfig } from '../machine/places.ts'

export const DAY = 24 * 3_600_000
const SECRET = ['v1', 'Secret'] as const
const namespace = 'kube-system'
const TYPE = 'bootstrap.kubernetes.io/token'

/** A join token as people see it. */
export interface ListedToken {
  readonly id: string
  readonly secret: string
  readonly description: string
  /** Milliseconds; undefined: never. */
  readonly ends: number | undefined
}

/** @param lifetime milliseconds; 0: for ever. @returns `<id>.<secret>` */
export async function createToken(
  { description, lifetime }: { description: string; lifetime: number },
  context: LabContext,
): Promise<string> {
  return asAdmin(context, async (client) => {
    await removeEnded(client, context.clock.now())
    const token = makeBootstrapToken()
    const expiration = lifetime === 0 ? undefined : timestamp(context.clock.now() + lifetime)
    await client.create(...SECRET, bootstrapTokenSecret(token, { description, expiration }))
    return `${token.id}.${token.secret}`
  })
}

export async function listTokens(context: LabContext): Promise<ListedToken[]> {
  return asAdmin(context, present)
}

/** @param id the six characters before the dot, or the whole token. @throws CannotGoOn when there is none */
export async function deleteToken(id: string, context: LabContext): Promise<void> {
  await asAdmin(context, async (client) => {
    try {
      await client.delete(...SECRET, { namespace, name: `bootstrap-token-${id.slice(0, 6)}` })
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
      throw new CannotGoOn(`there is no token ${id.slice(0, 6)}`, 'coxswain-lab token list')
    }
  })
}

async function present(client: Client): Promise<ListedToken[]> {
  const { items } = await client.list(...SECRET, { namespace, fieldSelector: `type=${TYPE}` })
  return items.map(({ data }) => {
    const text = (name: string) => Buffer.from(new Map(Object.entries(data ?? {})).get(name) ?? '', 'base64').toString('utf8')
    const ends = text('expiration') === '' ? undefined : (parseTimestamp(text('expiration')) ?? 0)
    return { id: text('token-id'), secret: text('token-secret'), description: text('description'), ends }
  })
}

/** Nobody else sweeps them: upstream's token cleaner is a controller that this cluster does not run. */
async function removeEnded(client: Client, now: number): Promise<void> {
  for (const { id, ends } of await present(client)) {
    if (ends === undefined || ends > now) continue
    await client.delete(...SECRET, { namespace, name: `bootstrap-token-${id}` }).catch((error: unknown) => {
      if (!hasReason(error, 'NotFound')) throw error
    })
  }
}

async function asAdmin<T>({ clock }: LabContext, work: (client: Client) => Promise<T>): Promise<T> {
  const { client, close } = connectClient({ kubeconfig: adminKubeconfig, clock, userAgent: 'coxswain-lab' })
  try {
    return await work(client)
  } finally {
    close()
  }
}
