import type { KubeObject } from '../../shared/objects/object.ts'
import { humanDuration } from '../../shared/time/human-duration.ts'
import { parseTimestamp } from '../../shared/time/timestamp.ts'
import type { MetaVersion } from '../http/content-type.ts'
import type { Column } from './define-resource.ts'
import type { Resource } from './resource-table.ts'
import { asServed } from './versions.ts'

interface ColumnDefinition {
  name: string
  type: string
  format: string
  description: string
  priority: number
}

type Cell = string | number | bigint | boolean | null

interface TableRow {
  cells: Cell[]
  object?: unknown
}

/** meta/v1 Table, what `kubectl get` prints. */
export interface Table {
  kind: 'Table'
  apiVersion: MetaVersion
  metadata: object
  columnDefinitions: ColumnDefinition[]
  rows: TableRow[]
}

export interface TableStyle {
  includeObject: 'Metadata' | 'Object' | 'None'
  meta: MetaVersion
  /** Milliseconds since the epoch; ages are counted up to here. */
  now: number
}

type PreparedColumn = { definition: ColumnDefinition; cell: (object: KubeObject, now: number) => Cell }

/** Prepared once for each list of columns; kinds without columns of their own share one. */
const prepared = new WeakMap<object, readonly PreparedColumn[]>()
const NO_COLUMNS: readonly Column<KubeObject>[] = []

/** Rows of one kind, rendered by the kind's columns; the objects are given as stored. */
export function tableOf(resource: Resource, objects: readonly KubeObject[], metadata: object, style: TableStyle): Table {
  const columns = (resource.definition.hooks.columns ?? NO_COLUMNS) as readonly Column<KubeObject>[]
  const table = tableWith(columns, objects, metadata, resource.further ? { ...style, includeObject: 'None' } : style)
  if (resource.further && style.includeObject !== 'None') {
    for (const [index, row] of table.rows.entries()) row.object = rowObject(asServed(resource, objects[index]!), style)
  }
  return table
}

/** Rows rendered by columns that are nobody's: a Scale has no resource of its own. */
export function tableWith<T extends KubeObject>(
  own: readonly Column<T>[],
  objects: readonly T[],
  metadata: object,
  style: TableStyle,
): Table {
  const columns = columnsOf(own as readonly Column<KubeObject>[])
  return {
    kind: 'Table',
    apiVersion: style.meta,
    metadata,
    columnDefinitions: columns.map((column) => column.definition),
    rows: objects.map((object) => rowOf(columns, object, style)),
  }
}

/** The object without its content: meta's PartialObjectMetadata. */
export function metadataOf({ metadata }: KubeObject, meta: MetaVersion) {
  return { kind: 'PartialObjectMetadata', apiVersion: meta, metadata }
}

function rowOf(columns: readonly PreparedColumn[], object: KubeObject, style: TableStyle): TableRow {
  const cells = columns.map((column) => column.cell(object, style.now))
  if (style.includeObject === 'None') return { cells }
  return { cells, object: rowObject(object, style) }
}

function rowObject(object: KubeObject, { includeObject, meta }: TableStyle): object {
  return includeObject === 'Object' ? object : metadataOf(object, meta)
}

function columnsOf(own: readonly Column<KubeObject>[]): readonly PreparedColumn[] {
  const known = prepared.get(own)
  if (known) return known
  const columns = own.map(prepare)
  if (!own.some((column) => column.name === 'Name')) {
    const lastShown = columns.findLastIndex((column) => column.definition.priority === 0)
    if (!own.some((column) => column.name === 'Age')) columns.splice(lastShown + 1, 0, ageColumn)
    columns.unshift(nameColumn)
  }
  prepared.set(own, columns)
  return columns
}

const nameColumn: PreparedColumn = {
  definition: { name: 'Name', type: 'string', format: 'name', description: 'Unique within the namespace (or the cluster).', priority: 0 },
  cell: (object) => object.metadata.name ?? '',
}

const ageColumn: PreparedColumn = {
  definition: { name: 'Age', type: 'string', format: '', description: 'Time since creation.', priority: 0 },
  cell: (object, now) => ageOf(object.metadata.creationTimestamp, now),
}

function prepare(column: Column<KubeObject>): PreparedColumn {
  const { name, type = 'string', format = '', priority = 0, description = '' } = column
  return {
    definition: { name, type: type === 'date' ? 'string' : type, format: name === 'Name' ? 'name' : format, description, priority },
    cell: (object, now) => {
      const value = column.value(object, now)
      if (value === null) return null
      if (type === 'date') return ageOf(typeof value === 'string' ? value : undefined, now)
      return value ?? (type === 'integer' ? 0 : '')
    },
  }
}

function ageOf(timestamp: string | undefined, now: number): string {
  const then = parseTimestamp(timestamp)
  return then === undefined ? '<unknown>' : humanDuration(now - then)
}
