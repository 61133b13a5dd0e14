import { sameJson } from '../../shared/objects/same-json.ts'
import type { ControllerRevision } from '../../shared/openapi/generated/apps-v1.ts'
import type { PodTemplateSpec } from '../../shared/openapi/generated/core-v1.ts'

/** What a revision remembers of its owner: the strategic merge patch that brings the template back, as `kubectl rollout undo` sends it. */
export interface TemplatePatch {
  readonly spec: { readonly template: PodTemplateSpec & { readonly $patch: 'replace' } }
}

export function templatePatch(template: PodTemplateSpec): TemplatePatch {
  return { spec: { template: { ...template, $patch: 'replace' } } }
}

/** The template that a revision remembers. @throws Error for a revision that somebody else made of something else */
export function rememberedTemplate({ metadata, data }: ControllerRevision): PodTemplateSpec {
  if (!isTemplatePatch(data)) throw new Error(`revision ${metadata.name} holds no pod template`)
  const { $patch: _how, ...template } = data.spec.template
  return template
}

/** Only the frame is looked at: what is in it was a template that the API server had decoded. */
function isTemplatePatch(value: unknown): value is TemplatePatch {
  if (!isObject(value) || !isObject(value['spec'])) return false
  const { template } = value['spec']
  return isObject(template) && isObject(template['metadata']) && isObject(template['spec'])
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** An owner's revisions, sorted out. */
export interface History {
  /** That of the present template, if there is one already. */
  readonly current: ControllerRevision | undefined
  /** Others of the present template, that were made twice. */
  readonly duplicates: readonly ControllerRevision[]
  /** Of other templates, lowest number first. */
  readonly olds: readonly ControllerRevision[]
  /** The number that the present template's has or must get: above all others'. */
  readonly number: number
}

/** Pure. Of several revisions of the present template the one with the highest number counts. */
export function planHistory(revisions: readonly ControllerRevision[], template: PodTemplateSpec): History {
  const patch = templatePatch(template)
  const sorted = [...revisions].sort(byNumber)
  const equal = sorted.filter(({ data }) => sameJson(data, patch))
  const olds = sorted.filter((revision) => !equal.includes(revision))
  const current = equal.at(-1)
  const next = (olds.at(-1)?.revision ?? 0) + 1
  return { current, duplicates: equal.slice(0, -1), olds, number: Math.max(current?.revision ?? 0, next) }
}

/** Old revisions beyond the limit, lowest number first; those that pods still are of (`isLive`) stay. A negative limit keeps all. */
export function surplusRevisions(
  olds: readonly ControllerRevision[],
  limit: number,
  isLive: (revision: ControllerRevision) => boolean,
): ControllerRevision[] {
  if (limit < 0) return []
  const dead = olds.filter((revision) => !isLive(revision))
  return dead.slice(0, Math.max(dead.length - limit, 0))
}

/** By number; the older and then the name decide between equal ones. */
function byNumber(left: ControllerRevision, right: ControllerRevision): number {
  if (left.revision !== right.revision) return left.revision - right.revision
  const key = ({ metadata }: ControllerRevision) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
  return key(left) < key(right) ? -1 : 1
}
