import { writeExactJson } from '../shared/text/exact-json.ts'

/** What is shown of a change, as `/rewind/<moment>/changes` answers it. */
export interface ShownChange {
  readonly revision: string
  readonly time: string
  readonly type: string
  readonly resource: string
  readonly namespace?: string
  readonly name: string
  readonly by?: { readonly manager: string; readonly subresource?: string }
  readonly fields?: readonly { readonly path: string; readonly before?: unknown; readonly after?: unknown }[]
}

/** Fields named in a line; the rest is counted. */
const MOST_FIELDS = 3

/** `12:00:01.250 1234 changed  deployments/default/web  by kubectl-scale  spec.replicas: 2 → 1` */
export function changeLine({ revision, time, type, resource, namespace, name, by, fields = [] }: ShownChange): string {
  const where = [resource, ...(namespace === undefined ? [] : [namespace]), name].join('/')
  const shown = fields.slice(0, MOST_FIELDS).map(({ path, before, after }) => `${path}: ${valueText(before)} → ${valueText(after)}`)
  const more = fields.length > MOST_FIELDS ? [`and ${fields.length - MOST_FIELDS} more`] : []
  const who = by === undefined ? [] : [`by ${by.manager}${by.subresource ? ` (${by.subresource})` : ''}`]
  const line = [`${time.slice(11, 23)} ${revision.padStart(7)} ${type.padEnd(7)}`, where, ...who, [...shown, ...more].join(', ')]
    .filter((part) => part !== '')
    .join('  ')
  return quiet(line)
}

/** What others said is printed as one line that no terminal is told anything by. */
export function quiet(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
}

/** Characters of a value in a line. */
const MOST_CHARACTERS = 40

function valueText(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = writeExactJson(value)
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
}
