/**
 * What of a rule a profile may have or leave out: all that it does, or one thing. Upstream's extension points, as far as rules here have them; multiPoint is
 * first, because what is said for one thing wins over it.
 */
export const POINTS = ['multiPoint', 'preEnqueue', 'filter', 'postFilter', 'score'] as const

export type Point = (typeof POINTS)[number]
