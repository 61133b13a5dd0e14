import type { AnyObject, Metadata } from './object.ts'

/** A column as the server prints it (meta/v1 TableColumnDefinition). */
export interface Column {
  readonly name: string
  readonly type: string
  readonly description?: string
  /** 0 is always shown. */
  readonly priority: number
}

/** A row of a table (meta/v1 TableRow), with the metadata of its object. */
export interface Row {
  readonly cells: readonly unknown[]
  readonly object: { readonly metadata: Metadata }
}

interface ListMeta {
  readonly resourceVersion?: string
  readonly continue?: string
  readonly remainingItemCount?: number
}

/** A list in one piece of several. */
export interface Page<Item> {
  readonly metadata: ListMeta
  readonly items: readonly Item[]
  readonly columns?: readonly Column[]
}

/** How lists and watches are asked for, and what they answer. */
export interface Format<Item> {
  readonly accept: string
  page(body: unknown): Page<Item>
  /** The item of a watch event, undefined for one without (a bookmark). */
  item(object: unknown): Item | undefined
  metadata(item: Item): Metadata
}

interface Table {
  readonly metadata?: ListMeta
  readonly columnDefinitions?: readonly Column[]
  readonly rows?: readonly Row[]
}

export const asTable: Format<Row> = {
  accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  page(body) {
    const { metadata = {}, columnDefinitions = [], rows = [] } = body as Table
    return { metadata, items: rows, columns: columnDefinitions }
  },
  item: (object) => (object as Table).rows?.[0],
  metadata: (row) => row.object.metadata,
}

export const asObjects: Format<AnyObject> = {
  accept: 'application/json',
  page(body) {
    const { metadata = {}, items = [] } = body as { metadata?: ListMeta; items?: readonly AnyObject[] }
    return { metadata, items }
  },
  item: (object) => object as AnyObject,
  metadata: ({ metadata }) => metadata,
}
