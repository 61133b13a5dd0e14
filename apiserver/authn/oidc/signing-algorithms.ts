/** What tokens may be signed with, as upstream: public-key signatures only, so that nobody signs with a key that is published. */
export const signingAlgorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const

export type SigningAlgorithm = (typeof signingAlgorithms)[number]
