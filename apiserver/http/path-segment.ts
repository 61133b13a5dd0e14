/**
 * What is wrong with a text as one segment of a URL's path, decoded; undefined where nothing is. Names of objects and segments of URLs
 * pass this one rule, so that whatever is stored can be named again, and what cannot be stored is not looked for.
 *
 * Upstream (`IsValidPathSegmentName`) refuses only the dots, the slash and the percent sign. Control characters forge log lines and end
 * C strings, and half a surrogate pair cannot be written into a URL at all.
 */
export function pathSegmentProblem(text: string): string | undefined {
  if (text === '.' || text === '..') return `may not be '${text}'`
  if (text.includes('/')) return "may not contain '/'"
  if (text.includes('%')) return "may not contain '%'"
  if (/[\u0000-\u001f\u007f]/.test(text)) return 'may not contain control characters'
  return text.isWellFormed() ? undefined : 'may not contain half of a surrogate pair'
}
