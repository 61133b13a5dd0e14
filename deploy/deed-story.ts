import { changeLine, quiet, type ShownChange } from './change-line.ts'

/** What is shown of a deed, as `/hood/…` answers it. */
export interface ShownDeed extends ShownChange {
  readonly request: { readonly verb: string; readonly user: string; readonly allowedBy?: string }
  readonly cause?: { readonly by: string; readonly revision?: string; readonly why?: string }
  readonly told?: { readonly watches: number; readonly users: readonly string[]; readonly afterMilliseconds: number }
}

/** Upstream's word, and what it does, for who meets it the first time. */
const plainWords: Readonly<Record<string, string>> = {
  deployment: 'the Deployment controller, which keeps a ReplicaSet for each version of the template',
  replicaset: 'the ReplicaSet controller, which keeps as many Pods as are wanted',
  scheduler: 'the scheduler, which finds a node for each Pod',
  kubelet: 'the kubelet, which runs the containers of the Pods of its node and says how they are',
  endpointslice: 'the EndpointSlice controller, which writes down the addresses behind a Service',
  job: 'the Job controller, which runs Pods until enough have done their work',
}

/** The chain as lines: each deed under what made it happen, deeper by one step. Who acts for the first time is explained. */
export function storyLines(deeds: readonly ShownDeed[]): string[] {
  const byRevision = new Map(deeds.map((deed) => [deed.revision, deed]))
  const met = new Set<string>()
  const depths = new Map<string, number>()
  return deeds.flatMap((deed) => {
    const { request, cause, told, revision } = deed
    const parent = cause?.revision === undefined ? undefined : byRevision.get(cause.revision)
    const depth = parent ? (depths.get(parent.revision) ?? 0) + 1 : 0
    depths.set(revision, depth)
    const indent = '  '.repeat(Math.min(depth, 12))
    const actor = cause?.by ?? request.user
    const lines = [`${indent}${changeLine(deed)}`]
    const note = (text: string) => lines.push(`${indent}    ${quiet(text)}`)
    if (cause)
      note(`${actor}${cause.revision === undefined ? '' : `, because of revision ${cause.revision}`}${cause.why ? `: ${cause.why}` : ''}`)
    else note(`${request.user} asked for it (${request.verb})${request.allowedBy ? `, and may: ${request.allowedBy}` : ''}`)
    const plain = plainWords[actor]
    if (plain && !met.has(actor)) note(`(${plain})`)
    met.add(actor)
    if (told) note(`told to ${told.watches} watches after ${told.afterMilliseconds} ms: ${told.users.join(', ')}`)
    return lines
  })
}
