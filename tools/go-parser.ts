/**
 * Reads what the schema needs out of one gofmt-ed Go file: type declarations with their field tags and `+marker` comments,
 * string constants, and the few one-line methods that carry schema facts. It is not a Go parser: gofmt's layout is what it leans on.
 */

/** One struct field. An embedded field has the name of its type. */
export type GoField = {
  readonly name: string
  readonly embedded: boolean
  /** The Go type expression as written, e.g. `[]v1.Container`. */
  readonly type: string
  /** The struct tag, parsed: `json`, `patchStrategy`, … */
  readonly tags: ReadonlyMap<string, string>
  /** Markers of the comment above, without the leading `+`. */
  readonly markers: readonly string[]
}

export type GoType = {
  readonly name: string
  /** Undefined for anything that is not a struct. */
  readonly fields: readonly GoField[] | undefined
  /** The right-hand side of a declaration that is not a struct; starts with `= ` for a true alias. */
  readonly target: string | undefined
  readonly markers: readonly string[]
}

/** `type` is empty for an untyped constant. A constant that is another one (`= v1.Other`) has a `reference` instead of a value. */
export type GoConstant = { readonly name: string; readonly type: string; readonly value: string; readonly reference?: string | undefined }

/** A method whose body only returns a constant: `OpenAPIModelName`, `OpenAPISchemaType`, … `value` is the text after `return`. */
export type GoConstantMethod = { readonly receiver: string; readonly name: string; readonly value: string }

export type GoFile = {
  /** Local name → import path. */
  readonly imports: ReadonlyMap<string, string>
  readonly types: readonly GoType[]
  readonly constants: readonly GoConstant[]
  readonly methods: readonly GoConstantMethod[]
  /** Types named as `&Pod{}`: what a register.go adds to the scheme. */
  readonly registered: readonly string[]
  /** Every `+marker` comment of the file, for package-wide ones such as `+groupName`. */
  readonly markers: readonly string[]
}

const importLine = /^\s*(?:import\s+)?(?:([\w.]+)\s+)?"([\w./-]+)"$/
const typeLine = /^type (\w+)\s+(.+)$/
const fieldLine = /^\t(\w+)\s+(\S.*?)(?:\s+`(.*)`)?$/
const embeddedLine = /^\t\*?([\w.]+)(?:\s+`(.*)`)?$/
const constantLine = /^\s*(?:const\s+)?(\w+)\s+(?:(\w+)\s+)?=\s+(?:(\w+)\()?(?:"([^"]*)"|((?:\w+\.)?[A-Z]\w*))\)?$/
const methodLine = /^func \((?:\w+ )?\*?(\w+)\) (\w+)\(\) [^{]*\{(?: return (.*) \})?$/

export function parseGoFile(source: string): GoFile {
  const imports = new Map<string, string>()
  const types: GoType[] = []
  const constants: GoConstant[] = []
  const methods: GoConstantMethod[] = []
  const registered: string[] = []
  const allMarkers: string[] = []
  const lines = withoutBlockComments(source).split('\n')
  let comments = new CommentBlocks()
  let inImports = false
  for (let at = 0; at < lines.length; at++) {
    const line = stripTrailingComment(lines[at]!)
    const trimmed = line.trim()
    if (trimmed.startsWith('//')) {
      comments.add(trimmed)
      if (trimmed.startsWith('// +')) allMarkers.push(trimmed.slice(4).trim())
      continue
    }
    if (trimmed === '') {
      comments.blank()
      continue
    }
    const markers = comments.markers()
    comments = new CommentBlocks()
    if (trimmed === 'import (') inImports = true
    else if (trimmed === ')') inImports = false
    if (inImports || /^import .*"$/.test(trimmed)) {
      const found = importLine.exec(trimmed)
      if (found) imports.set(found[1] ?? found[2]!.slice(found[2]!.lastIndexOf('/') + 1), found[2]!)
      continue
    }
    const type = typeLine.exec(line)
    if (type) {
      const target = type[2]!
      if (target === 'struct {') {
        const end = lines.indexOf('}', at)
        types.push({ name: type[1]!, fields: parseFields(lines.slice(at + 1, end)), target: undefined, markers })
        at = end
      } else if (target === 'struct{}') types.push({ name: type[1]!, fields: [], target: undefined, markers })
      else types.push({ name: type[1]!, fields: undefined, target, markers })
      continue
    }
    const constant = constantLine.exec(line)
    if (constant) {
      constants.push({ name: constant[1]!, type: constant[2] ?? constant[3] ?? '', value: constant[4] ?? '', reference: constant[5] })
    }
    const method = methodLine.exec(line)
    if (method) methods.push({ receiver: method[1]!, name: method[2]!, value: method[3] ?? returned(lines, at) })
    for (const match of line.matchAll(/&(\w+)\{\}/g)) registered.push(match[1]!)
  }
  return { imports, types, constants, methods, registered, markers: allMarkers }
}

/** Block comments hold no marker here, only the licence and examples. */
function withoutBlockComments(source: string): string {
  return source.replace(/^[ \t]*\/\*[\s\S]*?\*\/[ \t]*$/gm, '')
}

function parseFields(lines: readonly string[]): GoField[] {
  const fields: GoField[] = []
  let comments = new CommentBlocks()
  for (const raw of lines) {
    const line = stripTrailingComment(raw)
    const trimmed = line.trim()
    if (trimmed.startsWith('//')) comments.add(trimmed)
    else if (trimmed === '') comments.blank()
    else if (/^\t[a-z_]/.test(line) && !embeddedLine.test(line))
      continue // private: never in JSON
    else {
      const embedded = embeddedLine.exec(line)
      const named = embedded ? null : fieldLine.exec(line)
      const type = embedded?.[1] ?? named?.[2]
      if (type === undefined) throw new Error(`cannot read the struct field ${JSON.stringify(line)}`)
      fields.push({
        name: named?.[1] ?? type.slice(type.lastIndexOf('.') + 1),
        embedded: embedded !== null,
        type,
        tags: parseTags(embedded?.[2] ?? named?.[3] ?? ''),
        markers: comments.closest(),
      })
      comments = new CommentBlocks()
    }
  }
  return fields
}

function parseTags(text: string): Map<string, string> {
  return new Map(Array.from(text.matchAll(/(\w+):"([^"]*)"/g), (match) => [match[1]!, match[2]!]))
}

/** A `// …` after code; quotes and back-quotes may contain the slashes. */
function stripTrailingComment(line: string): string {
  const at = line.lastIndexOf(' //')
  if (at <= 0 || line.slice(0, at).trim() === '' || line.trimStart().startsWith('//')) return line
  const after = line.slice(at)
  return after.includes('"') || after.includes('`') ? line : line.slice(0, at).trimEnd()
}

function returned(lines: readonly string[], from: number): string {
  for (let at = from + 1; at < lines.length && lines[at] !== '}'; at++) {
    const match = /^\treturn (.*)$/.exec(lines[at]!)
    if (match) return match[1]!
  }
  return ''
}

/** Comment blocks above a declaration. Markers of the two closest blocks count, as in Kubernetes' own generators. */
class CommentBlocks {
  #blocks: string[][] = [[]]

  add(line: string): void {
    this.#blocks.at(-1)!.push(line)
  }

  blank(): void {
    if (this.#blocks.at(-1)!.length > 0) this.#blocks.push([])
  }

  markers(): string[] {
    const filled = this.#blocks.filter((block) => block.length > 0)
    return markersOf(filled.slice(-2).flat())
  }

  closest(): string[] {
    return markersOf(this.#blocks.at(-1)!)
  }
}

function markersOf(comments: readonly string[]): string[] {
  return comments.filter((line) => /^\/\/ ?\+/.test(line)).map((line) => line.replace(/^\/\/ ?\+/, '').trim())
}
