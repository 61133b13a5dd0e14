/**
 * Replaces `$(NAME)` by the variable's value; `$$` is a plain dollar, so `$$(NAME)` stays text. A name nobody knows, and anything that is
 * no reference, is left as it stands.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => {
    if (name === undefined) return '$'
    return lookup(name) ?? match
  })
}
