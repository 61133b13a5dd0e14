/** An IPv4 range; `base` as a number. */
export interface Range {
  readonly base: number
  readonly prefix: number
}

/** Reads `10.244.0.0/16`. @throws Error that says what is wrong */
export function parseRange(text: string): Range {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  const parts = match?.slice(1, 5).map(Number) ?? []
  const prefix = Number(match?.[5])
  if (parts.length !== 4 || parts.some((part) => part > 255) || prefix > 32)
    throw new Error(`${JSON.stringify(text)} is not an IPv4 range such as 10.244.0.0/16`)
  const base = parts.reduce((sum, part) => sum * 256 + part, 0)
  if (base % 2 ** (32 - prefix) !== 0) throw new Error(`${text} has bits set beyond its prefix`)
  return { base, prefix }
}

export function formatRange({ base, prefix }: Range): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256).join('.')}/${prefix}`
}

/** The first range of `prefix` inside `cluster` that overlaps none of `taken`; undefined when all are in use. Pure. */
export function firstFreeRange(cluster: Range, prefix: number, taken: readonly Range[]): Range | undefined {
  const size = 2 ** (32 - prefix)
  const end = cluster.base + 2 ** (32 - cluster.prefix)
  for (let base = cluster.base; base + size <= end; base += size) {
    if (!taken.some((range) => range.base < base + size && base < range.base + 2 ** (32 - range.prefix))) return { base, prefix }
  }
  return undefined
}
